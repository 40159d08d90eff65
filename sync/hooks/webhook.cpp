#include "sync/hooks/webhook.hpp"

#include <fmt/core.h>

#include <chrono>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/http_url.hpp"

namespace tidemark::sync {

Webhook::Webhook(Settings settings, Metrics& metrics, Log& log)
    : settings_(std::move(settings)),
      log_(log),
      client_({.ca = settings_.ca_file}),
      queue_("webhook", settings_.backoff, [this](const Notice& notice, std::stop_token stop) { call(notice, std::move(stop)); }, metrics, log) {}

bool Webhook::is_success(int status) const {
  if (!settings_.success_status) return status >= 200 && status <= 299;
  return *settings_.success_status == 0 || *settings_.success_status == status;
}

void Webhook::call(const Notice& notice, std::stop_token stop) {
  HttpCall request;
  request.method = settings_.method;
  request.url = settings_.url;
  request.timeout = settings_.timeout;
  request.headers = {{"Gitsync-Hash", notice.commit}, {"Tidemark-Ref", notice.ref}};
  if (!notice.previous.empty()) request.headers["Tidemark-Previous"] = notice.previous;
  const auto started = std::chrono::steady_clock::now();
  const int status = client_.call(request, std::move(stop)).status;
  if (!is_success(status)) throw TransientError(fmt::format("{} answered {}", told_url(settings_.url), status));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  log_.info("webhook delivered", {{"commit", notice.commit}, {"status", status}, {"seconds", seconds.count()}});
}

}  // namespace tidemark::sync
