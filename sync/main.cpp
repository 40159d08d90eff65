// tidemark-sync: follows a repository and publishes each revision under a link.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "daemon/http_server.hpp"
#include "daemon/log.hpp"
#include "daemon/main_errors.hpp"
#include "daemon/memory.hpp"
#include "daemon/metrics.hpp"
#include "daemon/settings.hpp"
#include "daemon/signals.hpp"
#include "daemon/wakeup.hpp"
#include "git/object_store.hpp"
#include "sync/http.hpp"
#include "sync/listen/push_listener.hpp"
#include "sync/notice_files.hpp"
#include "sync/process_list.hpp"
#include "sync/root_lock.hpp"
#include "sync/settings/settings.hpp"
#include "sync/settings/settings_rules.hpp"
#include "sync/synchronizer.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::sync;

int run(const SyncSettings& settings) {
  Log log(settings.log_format, settings.log_level);
  for (const auto& note : settings.notes) log.warning("setting", {{"note", note}});
  std::stop_source stop;
  Wakeup wakeup;
  ShutdownDeadline deadline(std::chrono::seconds(10), 1);
  const auto end = [&] {
    deadline.arm();
    stop.request_stop();
  };
  std::map<int, std::function<void()>> handlers{{SIGTERM, end}, {SIGINT, end}, {SIGHUP, [&] { wakeup.notify(); }}};
  if (settings.sync_on_signal) handlers[*settings.sync_on_signal] = [&] { wakeup.notify(); };
  const Signals signals(std::move(handlers));
  const git::Library libgit2;
  Metrics metrics;
  Synchronizer synchronizer(settings, wakeup, metrics, log);
  std::unique_ptr<HttpServer> server;
  if (!settings.http_bind.empty()) {
    server = make_http_server(*ListenAddress::parse(settings.http_bind), synchronizer, metrics, log,
                              settings.http_metrics ? Exposition::served : Exposition::off);
    server->start();
    log.info("listening", {{"address", server->address()}});
  }
  std::optional<PushListener> listener;
  if (!settings.listen.empty() && !settings.one_time) {
    listener.emplace(settings, [&] { synchronizer.hint(); }, metrics, log);
    listener->start();
    log.info("listening for push webhooks", {{"address", listener->address()}});
  }
  log.info("following", {{"repo", settings.repo}, {"ref", settings.ref}, {"root", settings.root}, {"link", settings.link}});
  return synchronizer.loop(stop.get_token());
}

// Where consumers look for what went wrong: they do not see the log.
void tell(const SyncSettings& settings, const std::exception& error) {
  if (!is_file_of_its_own(settings, settings.error_file)) return;
  Log log(settings.log_format, settings.log_level);
  ErrorFile(settings.root, settings.error_file, log).write("could not start", redact_credentials(error.what()), 1);
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_small();
  ::umask(0022);  // consumers are other users: what is published is readable for all
  return run_main("tidemark-sync", [&] {
    SyncSettings settings;
    try {
      if (!read_settings(argc, argv, process_environment(), std::cout, settings)) return 0;
      hide_secrets(argc, argv, environ);
      if (settings.group_write) ::umask(0002);
      return run(settings);
    } catch (const RootInUse&) {
      throw;  // the file belongs to who uses it
    } catch (const std::exception& error) {
      tell(settings, error);
      throw;
    }
  });
}
