#include "sync/listen/pacer.hpp"

#include <chrono>
#include <utility>

namespace tidemark::sync {

Pacer::Pacer(std::function<void()> act, Duration pause)
    : thread_([this, act = std::move(act), pause](const std::stop_token& stop) {
        constexpr auto long_time = std::chrono::hours(1);
        while (!stop.stop_requested()) {
          if (asked_.wait_until(Wakeup::Clock::now() + long_time, stop) != Wakeup::Cause::notified) continue;
          act();
          Wakeup().wait_until(Wakeup::Clock::now() + pause, stop);
        }
      }) {}

Pacer::~Pacer() {
  thread_.request_stop();
  thread_.join();
}

}  // namespace tidemark::sync
