#include "sync/hooks/hook_queue.hpp"

#include <utility>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

Counter& runs(Metrics& metrics, const std::string& name, const char* status) {
  return metrics.counter("git_sync_hook_run_count_total", "How many times a hook was run, by its name and status",
                         {{"name", name}, {"status", status}});
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

HookQueue::HookQueue(std::string name, Backoff backoff, Attempt attempt, Metrics& metrics, Log& log)
    : name_(std::move(name)),
      backoff_(backoff),
      attempt_(std::move(attempt)),
      log_(log),
      successes_(runs(metrics, name_, "success")),
      errors_(runs(metrics, name_, "error")),
      durations_(metrics.summary("tidemark_sync_hook_duration_seconds", "How long one run of a hook took", {{"name", name_}})),
      delays_(metrics.summary("tidemark_sync_hook_delay_seconds", "How long after its revision was ready a hook had succeeded", {{"name", name_}})),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

HookQueue::~HookQueue() {
  thread_.request_stop();
  thread_.join();
}

void HookQueue::send(Notice notice) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_) notice.previous = pending_->previous;  // what is not known stays unknown
    pending_ = std::move(notice);
    sent_ = Clock::now();
    is_newer_ = true;
  }
  changed_.notify_one();
}

void HookQueue::withdraw() {
  {
    const std::lock_guard lock(mutex_);
    pending_.reset();
    is_newer_ = true;  // ends the pause
    state_.failures = 0;
    state_.error.clear();
  }
  changed_.notify_one();
}

void HookQueue::run_once(const Notice& notice, std::stop_token stop) {
  {
    const std::lock_guard lock(mutex_);
    sent_ = Clock::now();
  }
  try_once(notice, std::move(stop));
}

void HookQueue::run(std::stop_token stop) {
  while (const auto notice = next(stop)) {
    try {
      try_once(*notice, stop);
      settle(*notice);
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      const int failures = note_failure(error.what());
      const Duration delay = backoff_.delay(failures, random_unit());
      log_.warning(name_ + " failed",
                   {{"commit", notice->commit}, {"error", error.what()}, {"failures", failures}, {"retry_in", format_duration(delay)}});
      wait_for_newer(delay, stop);
    }
  }
}

std::optional<Notice> HookQueue::next(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, std::move(stop), [this] { return pending_.has_value(); })) return std::nullopt;
  is_newer_ = false;
  return pending_;
}

void HookQueue::wait_for_newer(Duration at_most, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::move(stop), at_most, [this] { return is_newer_; });
}

void HookQueue::try_once(const Notice& notice, std::stop_token stop) {
  const auto start = Clock::now();
  try {
    attempt_(notice, stop);
  } catch (const std::exception&) {
    durations_.observe(seconds_since(start));
    if (!stop.stop_requested()) errors_.increment();
    throw;
  }
  durations_.observe(seconds_since(start));
  successes_.increment();
}

void HookQueue::settle(const Notice& succeeded) {
  const std::lock_guard lock(mutex_);
  if (!is_newer_) {
    delays_.observe(seconds_since(sent_));
    pending_.reset();
  } else if (pending_) {
    pending_->previous = succeeded.commit;
  }
  state_.succeeded = succeeded.commit;
  state_.failures = 0;
  state_.error.clear();
}

int HookQueue::note_failure(const std::string& error) {
  const std::lock_guard lock(mutex_);
  state_.error = redact_credentials(error);
  return ++state_.failures;
}

HookState HookQueue::state() const {
  const std::lock_guard lock(mutex_);
  HookState state = state_;
  state.name = name_;
  if (pending_) state.waiting = pending_->commit;
  return state;
}

}  // namespace tidemark::sync
