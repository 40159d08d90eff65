// The thread is woken for a call that comes sooner than what it sleeps for, not for one that is taken back: most are, long before their time.
#include "sync/alarm.hpp"

#include <utility>

namespace tidemark::sync {

Alarm::Call::Call(Alarm& alarm, Clock::time_point time, std::function<void()> action) : alarm_(alarm), time_(time), action_(std::move(action)) {
  alarm_.add(this);
}

Alarm::Call::~Call() { alarm_.remove(this); }

Alarm::Alarm() : thread_([this] { run(); }) {}

Alarm::~Alarm() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Alarm::add(const Call* call) {
  const std::lock_guard lock(mutex_);
  calls_.insert(call);
  if (!sleeps_until_ || call->time_ < *sleeps_until_) changed_.notify_all();
}

void Alarm::remove(const Call* call) {
  std::unique_lock lock(mutex_);
  calls_.erase(call);
  changed_.wait(lock, [&] { return running_ != call; });
}

void Alarm::run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (calls_.empty()) {
      sleeps_until_.reset();
      changed_.wait(lock);
      continue;
    }
    const Call* next = *calls_.begin();
    if (Clock::now() < next->time_) {
      sleeps_until_ = next->time_;
      changed_.wait_until(lock, *sleeps_until_);
      continue;
    }
    calls_.erase(next);
    running_ = next;
    lock.unlock();
    next->action_();
    lock.lock();
    running_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace tidemark::sync
