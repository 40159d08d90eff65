// Signals as calls on a thread of their own. Works as pid 1.
#pragma once

#include <functional>
#include <map>
#include <thread>

#include "daemon/units.hpp"

namespace tidemark {

// The handled signals are blocked in the constructing thread and in all that it starts later: construct it in main before any other thread.
// Each handler runs on the signal thread, one at a time; it must not throw. SIGPIPE is ignored.
class Signals {
 public:
  explicit Signals(std::map<int, std::function<void()>> handlers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void run();

  std::map<int, std::function<void()>> handlers_;
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  std::jthread thread_;
};

// Ends the process with _Exit(exit_code) when `limit` has passed since arm(): a shutdown that hangs does not hang for ever.
class ShutdownDeadline {
 public:
  ShutdownDeadline(Duration limit, int exit_code);
  void arm();  // once; from any thread

 private:
  Duration limit_;
  int exit_code_;
  std::jthread thread_;
};

}  // namespace tidemark
