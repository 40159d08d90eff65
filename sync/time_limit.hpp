// A stop token that is also asked to stop when the time is over.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <utility>

#include "daemon/units.hpp"
#include "sync/alarm.hpp"

namespace tidemark::sync {

class TimeLimit {
 public:
  TimeLimit(Alarm& alarm, std::stop_token outer, Duration limit)
      : outer_(std::move(outer), [this] { source_.request_stop(); }), call_(alarm, Alarm::Clock::now() + limit, [this] {
          passed_ = true;
          source_.request_stop();
        }) {}
  std::stop_token token() const { return source_.get_token(); }
  bool passed() const { return passed_; }

 private:
  std::stop_source source_;
  std::atomic<bool> passed_ = false;
  std::stop_callback<std::function<void()>> outer_;
  Alarm::Call call_;
};

}  // namespace tidemark::sync
