#include "sync/webhook.hpp"

#include <fmt/core.h>

#include <chrono>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

Counter& runs(Metrics& metrics, const char* status) {
  return metrics.counter("git_sync_hook_run_count_total", "How many times a hook was run, by its name and status", {{"name", "webhook"}, {"status", status}});
}

}  // namespace

Webhook::Webhook(Settings settings, Metrics& metrics, Log& log)
    : settings_(std::move(settings)), log_(log), successes_(runs(metrics, "success")), errors_(runs(metrics, "error")), thread_([this](std::stop_token stop) { run(stop); }) {}

Webhook::~Webhook() {
  thread_.request_stop();
  thread_.join();
}

void Webhook::send(Notice notice) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_ && !pending_->previous.empty()) notice.previous = pending_->previous;
    pending_ = std::move(notice);
    is_newer_ = true;
  }
  changed_.notify_one();
}

void Webhook::deliver_once(const Notice& notice) {
  HttpClient client;
  call(client, notice, {});
}

void Webhook::run(std::stop_token stop) {
  HttpClient client;
  int failures = 0;
  while (const auto notice = next(stop)) {
    try {
      call(client, *notice, stop);
      failures = 0;
      settle(*notice);
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      const Duration delay = settings_.backoff.delay(++failures, random_unit());
      log_.warning("webhook failed", {{"commit", notice->commit}, {"error", error.what()}, {"failures", failures}, {"retry_in", format_duration(delay)}});
      wait_for_newer(delay, stop);
    }
  }
}

std::optional<Notice> Webhook::next(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [this] { return pending_.has_value(); })) return std::nullopt;
  is_newer_ = false;
  return pending_;
}

// A newer notice is tried at once, however long the older one has been failing.
void Webhook::wait_for_newer(Duration at_most, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, at_most, [this] { return is_newer_; });
}

void Webhook::settle(const Notice& delivered) {
  const std::lock_guard lock(mutex_);
  if (is_newer_)
    pending_->previous = delivered.commit;
  else
    pending_.reset();
}

void Webhook::call(HttpClient& client, const Notice& notice, std::stop_token stop) {
  HttpCall request;
  request.url = settings_.url;
  request.timeout = settings_.timeout;
  request.headers = {{"Gitsync-Hash", notice.commit}, {"Tidemark-Ref", notice.ref}};
  if (!notice.previous.empty()) request.headers["Tidemark-Previous"] = notice.previous;
  try {
    const auto started = std::chrono::steady_clock::now();
    const int status = client.call(request, stop).status;
    if (status < 200 || status > 299) throw TransientError(fmt::format("{} answered {}", redact_credentials(settings_.url), status));
    successes_.increment();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    log_.info("webhook delivered", {{"commit", notice.commit}, {"status", status}, {"seconds", seconds.count()}});
  } catch (const TransientError&) {
    errors_.increment();
    throw;
  }
}

}  // namespace tidemark::sync
