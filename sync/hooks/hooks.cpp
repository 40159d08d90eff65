#include "sync/hooks/hooks.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

Backoff growing_from(Duration first) { return {.first = first, .limit = std::max<Duration>(first, std::chrono::minutes(1))}; }

}  // namespace

Hooks::Hooks(const SyncSettings& settings, std::function<std::filesystem::path(const std::string& commit)> tree, Wakeup& wakeup, Metrics& metrics,
             Log& log) {
  if (!settings.pre_publish_command.empty()) {
    ExecHook hook({"pre-publish-exechook", settings.pre_publish_command, settings.pre_publish_timeout, tree}, children_, log);
    gate_ = std::make_unique<PublishGate>(std::move(hook), growing_from(settings.pre_publish_backoff), wakeup, metrics, log);
  }
  if (!settings.exechook_command.empty()) {
    exec_hook_ =
        std::make_unique<ExecHook>(ExecHook::Settings{"exechook", settings.exechook_command, settings.exechook_timeout, tree}, children_, log);
    const auto attempt = [hook = exec_hook_.get()](const Notice& notice, std::stop_token stop) { hook->run(notice, std::move(stop)); };
    exec_queue_ = std::make_unique<HookQueue>("exechook", growing_from(settings.exechook_backoff), attempt, metrics, log);
  }
  if (!settings.webhook_url.empty()) {
    Webhook::Settings webhook{settings.webhook_url,    settings.webhook_timeout,        growing_from(settings.webhook_backoff),
                              settings.webhook_method, settings.webhook_success_status, settings.ca_file};
    webhook_ = std::make_unique<Webhook>(std::move(webhook), metrics, log);
  }
}

void Hooks::announce(const Notice& notice) {
  if (exec_queue_) exec_queue_->send(notice);
  if (webhook_) webhook_->send(notice);
}

void Hooks::tree_is_made_again(const Notice& notice) {
  if (exec_queue_) exec_queue_->send(notice);
}

std::string Hooks::announce_once(const Notice& notice, std::stop_token stop) {
  std::string problems;
  const auto attempt = [&](const char* name, const auto& run) {
    try {
      run();
    } catch (const TransientError& error) {
      problems += std::string(problems.empty() ? "" : "; ") + name + " failed: " + error.what();
    }
  };
  if (exec_queue_) attempt("exechook", [&] { exec_queue_->run_once(notice, stop); });
  if (webhook_) attempt("webhook", [&] { webhook_->deliver_once(notice, stop); });
  return problems;
}

std::vector<HookState> Hooks::states() const {
  std::vector<HookState> states;
  if (gate_) states.push_back(gate_->state());
  if (exec_queue_) states.push_back(exec_queue_->state());
  if (webhook_) states.push_back(webhook_->state());
  return states;
}

}  // namespace tidemark::sync
