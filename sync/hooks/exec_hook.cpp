#include "sync/hooks/exec_hook.hpp"

#include <chrono>
#include <string_view>
#include <utility>

#include "sync/process_list.hpp"

namespace tidemark::sync {

namespace {

bool is_ours(std::string_view name) { return name.starts_with("GITSYNC_") || name.starts_with("GIT_SYNC_"); }

}  // namespace

ExecHook::ExecHook(Settings settings, ChildProcesses& children, Log& log)
    : settings_(std::move(settings)), environment_(process_environment()), children_(children), log_(log) {}

void ExecHook::run(const Notice& notice, std::stop_token stop) const {
  const auto started = std::chrono::steady_clock::now();
  log_.info("running " + settings_.name, {{"commit", notice.commit}, {"command", settings_.command}});
  const Program program{settings_.command, settings_.tree(notice.commit), hook_environment(environment_, notice), settings_.timeout};
  children_.run(
      program, [&](std::string_view line) { log_.info(settings_.name + " says", {{"commit", notice.commit}, {"output", line}}); }, std::move(stop));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  log_.info(settings_.name + " succeeded", {{"commit", notice.commit}, {"seconds", seconds.count()}});
}

Environment hook_environment(const Environment& environment, const Notice& notice) {
  Environment result;
  for (const auto& [name, value] : environment)
    if (!is_secret_variable(name)) result[name] = is_ours(name) ? redact_credentials(value) : value;
  result["GITSYNC_HASH"] = notice.commit;
  result["TIDEMARK_REF"] = notice.ref;
  if (!notice.previous.empty()) result["TIDEMARK_PREVIOUS"] = notice.previous;
  return result;
}

}  // namespace tidemark::sync
