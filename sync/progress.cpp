#include "sync/progress.hpp"

#include <utility>

namespace tidemark::sync {

Progress::Progress(const SyncSettings& settings, Metrics& metrics, Log& log)
    : sync_timeout_(settings.sync_timeout),
      stale_after_(settings.stale_after),
      metrics_(metrics),
      received_bytes_(metrics.counter("tidemark_sync_fetched_bytes_total", "How many bytes of packs were received from the remote")),
      repairs_(metrics.counter("tidemark_sync_repairs_total", "How many times the live tree was damaged and made again")),
      error_file_(settings.root, settings.error_file, log),
      touch_file_(settings.root, settings.touch_file, log) {}

void Progress::pass_begins() {
  const std::lock_guard lock(mutex_);
  pass_began_ = Clock::now();
}

void Progress::published(const Notice& notice) {
  const std::lock_guard lock(mutex_);
  state_.current = notice;
  state_.published_at = WallClock::now();
}

void Progress::repaired() {
  const std::lock_guard lock(mutex_);
  repairs_.increment();
  state_.repairs++;
  state_.repaired_at = WallClock::now();
}

void Progress::pass_succeeded(bool is_new) {
  bool tells = false;
  {
    const std::lock_guard lock(mutex_);
    tells = is_new || (!has_told_ && state_.current);
    has_told_ = has_told_ || tells;
    count(tells ? "success" : "noop");
    const auto now = WallClock::now();
    metrics_.gauge("tidemark_sync_last_success_timestamp_seconds", "When the last pass without an error ended")
        .set(std::chrono::duration<double>(now.time_since_epoch()).count());
    last_success_ = Clock::now();
    state_.succeeded_at = now;
    state_.failure.reset();
  }
  error_file_.remove();
  if (tells) touch_file_.touch();
}

void Progress::pass_failed(const std::string& error) {
  Failure failure{redact_credentials(error), WallClock::now(), 1};
  {
    const std::lock_guard lock(mutex_);
    count("error");
    if (state_.failure) failure.in_a_row += state_.failure->in_a_row;
    state_.failure = failure;
  }
  error_file_.write("sync failed", failure.error, failure.in_a_row);
}

void Progress::received(std::int64_t bytes) {
  received_bytes_.increment(static_cast<double>(bytes));
  const std::lock_guard lock(mutex_);
  state_.received_bytes += bytes;
}

void Progress::hook_failed(const std::string& error) { error_file_.write("a hook failed", redact_credentials(error), 1); }

// With the lock held.
void Progress::count(const char* status) {
  const std::chrono::duration<double> seconds = pass_began_ ? Clock::now() - *pass_began_ : Clock::duration(0);
  pass_began_.reset();
  state_.passes++;
  metrics_.summary("git_sync_duration_seconds", "How long a pass took, by its outcome", {{"status", status}}).observe(seconds.count());
  metrics_.counter("git_sync_count_total", "How many passes there were, by their outcome", {{"status", status}}).increment();
}

Progress::State Progress::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool Progress::ready() const {
  const std::lock_guard lock(mutex_);
  if (!state_.current) return false;
  return stale_after_.count() == 0 || (last_success_ && Clock::now() - *last_success_ < stale_after_);
}

bool Progress::healthy() const {
  const std::lock_guard lock(mutex_);
  return !pass_began_ || Clock::now() - *pass_began_ < 2 * sync_timeout_ + std::chrono::minutes(1);
}

}  // namespace tidemark::sync
