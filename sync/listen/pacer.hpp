// Lets the first of many calls through at once, and what comes shortly after it together: for senders that come in bursts.
#pragma once

#include <functional>
#include <thread>

#include "daemon/units.hpp"
#include "daemon/wakeup.hpp"

namespace tidemark::sync {

class Pacer {
 public:
  // `act` runs on a thread of its own, at most once in each `pause`, and must not throw.
  Pacer(std::function<void()> act, Duration pause);
  ~Pacer();  // what has not run does not
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // `act` runs after each call: at once, or when the pause since its last run is over, once for all calls by then. Any thread, never waits.
  void ask() { asked_.notify(); }

 private:
  Wakeup asked_;
  std::jthread thread_;
};

}  // namespace tidemark::sync
