#include "sync/status.hpp"

#include <fmt/chrono.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/log.hpp"

namespace tidemark::sync {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json time_or_null(const std::optional<Progress::WallClock::time_point>& time) {
  if (!time) return {};
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(Progress::WallClock::to_time_t(*time)));
}

Json hook(const HookState& state) {
  return {{"name", state.name},
          {"waiting", text_or_null(state.waiting)},
          {"succeeded", text_or_null(state.succeeded)},
          {"failures", state.failures},
          {"error", text_or_null(state.error)}};
}

}  // namespace

std::string status_json(const SyncSettings& settings, const Progress& progress, const std::vector<HookState>& hooks) {
  const auto state = progress.state();
  Json status{{"repo", redact_credentials(settings.repo)}, {"ref", settings.ref}, {"root", settings.root}, {"link", settings.link}};
  status["ready"] = progress.ready();
  status["healthy"] = progress.healthy();
  Json published;
  if (state.current)
    published = {{"commit", state.current->commit},
                 {"ref", state.current->ref},
                 {"previous", text_or_null(state.current->previous)},
                 {"at", time_or_null(state.published_at)}};
  status["published"] = std::move(published);
  status["repairs"] = {{"count", state.repairs}, {"at", time_or_null(state.repaired_at)}};
  status["passes"] = state.passes;
  status["fetched_bytes"] = state.received_bytes;
  status["last_success"] = time_or_null(state.succeeded_at);
  Json error;
  if (state.failure) error = {{"message", state.failure->error}, {"at", time_or_null(state.failure->at)}, {"failures", state.failure->in_a_row}};
  status["last_error"] = std::move(error);
  status["hooks"] = Json::array();
  for (const auto& each : hooks) status["hooks"].push_back(hook(each));
  return status.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tidemark::sync
