#include "sync/remote/remote_metrics.hpp"

#include <string>

namespace tidemark::sync {

namespace {

std::function<void(bool)> counted(Metrics& metrics, const std::string& name, const std::string& help) {
  const auto counter = [&](const char* status) { return &metrics.counter(name, help, {{"status", status}}); };
  return [succeeded = counter("success"), failed = counter("error")](bool success) { (success ? succeeded : failed)->increment(); };
}

}  // namespace

RemoteCalls remote_calls(const SyncSettings& settings, Metrics& metrics, Progress& progress) {
  RemoteCalls calls;
  if (!settings.askpass_url.empty())
    calls.askpass = counted(metrics, "git_sync_askpass_calls", "How many times --askpass-url was called, by the outcome");
  if (settings.github_app.is_set())
    calls.github_app =
        counted(metrics, "git_sync_refresh_github_app_token_count", "How many times a token of the GitHub App was asked for, by the outcome");
  calls.received = [&progress](std::int64_t bytes) { progress.received(bytes); };
  return calls;
}

}  // namespace tidemark::sync
