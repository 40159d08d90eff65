// Calls at points in time, all on one thread of its own: a limit costs a poll no thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace tidemark::sync {

class Alarm {
 public:
  using Clock = std::chrono::steady_clock;

  Alarm();
  ~Alarm();  // no Call of it may be left
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // `action` is called at `time`, unless this ends before. Once this has ended, `action` does not run any more. Not to be ended by its own action,
  // which may not throw and must be short: it holds up the others.
  class Call {
   public:
    Call(Alarm& alarm, Clock::time_point time, std::function<void()> action);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    friend class Alarm;
    Alarm& alarm_;
    const Clock::time_point time_;
    const std::function<void()> action_;
  };

 private:
  struct Sooner {
    bool operator()(const Call* left, const Call* right) const {
      return left->time_ != right->time_ ? left->time_ < right->time_ : std::less<>()(left, right);
    }
  };

  void add(const Call* call);
  void remove(const Call* call);
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<const Call*, Sooner> calls_;
  const Call* running_ = nullptr;
  std::optional<Clock::time_point> sleeps_until_;  // nothing: until it is told
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace tidemark::sync
