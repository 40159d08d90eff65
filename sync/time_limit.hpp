// A stop token that is also asked to stop when the time is over.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

#include "daemon/units.hpp"
#include "daemon/wakeup.hpp"

namespace tidemark::sync {

class TimeLimit {
 public:
  TimeLimit(std::stop_token outer, Duration limit)
      : outer_(std::move(outer), [this] { source_.request_stop(); }),
        timer_([this, deadline = Wakeup::Clock::now() + limit](std::stop_token done) {
          if (Wakeup().wait_until(deadline, std::move(done)) != Wakeup::Cause::deadline) return;
          passed_ = true;
          source_.request_stop();
        }) {}
  std::stop_token token() const { return source_.get_token(); }
  bool passed() const { return passed_; }

 private:
  std::stop_source source_;
  std::atomic<bool> passed_ = false;
  std::stop_callback<std::function<void()>> outer_;
  std::jthread timer_;
};

}  // namespace tidemark::sync
