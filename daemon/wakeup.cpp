#include "daemon/wakeup.hpp"

namespace tidemark {

void Wakeup::notify() {
  {
    const std::lock_guard lock(mutex_);
    notified_ = true;
  }
  changed_.notify_all();
}

Wakeup::Cause Wakeup::wait_until(Clock::time_point deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, deadline, [this] { return notified_; });
  if (stop.stop_requested()) return Cause::stopped;
  if (!notified_) return Cause::deadline;
  notified_ = false;
  return Cause::notified;
}

}  // namespace tidemark
