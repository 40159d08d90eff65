// How a loop waits: for a notice, for a point in time or for the end, whichever is first.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace tidemark {

class Wakeup {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Cause { notified, deadline, stopped };

  // From any thread. Notices are not counted: several before the next wait are one.
  void notify();
  // From the loop's thread. Takes the notice with it.
  Cause wait_until(Clock::time_point deadline, std::stop_token stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool notified_ = false;
};

}  // namespace tidemark
