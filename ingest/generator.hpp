// What a function produces, made on a thread of its own and taken one by one: the queue between the two is bounded in items and bytes, and keeps the
// order. Items change hands in portions, since waking a thread for each one costs more than making it: whatever there is, once it is worth a wake.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark::ingest {

struct QueueLimits {
  std::size_t items = 1;
  std::size_t bytes = 0;  // an item that is larger alone still passes, by itself
};

template <typename T>
class Generator {
 public:
  // Hands one item on; false = the taker has gone, stop.
  using Emit = std::function<bool(T item, std::size_t bytes)>;

  Generator(QueueLimits limits, std::function<void(const Emit&)> produce)
      : limits_(limits), thread_([this, make = std::move(produce)] { run(make); }) {}

  // Ends the producer at its next item and waits for it.
  ~Generator() {
    {
      const std::lock_guard lock(mutex_);
      taker_gone_ = true;
    }
    room_.notify_all();
  }
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Another bound from now on. From any thread.
  void limit(QueueLimits limits) {
    {
      const std::lock_guard lock(mutex_);
      limits_ = limits;
    }
    room_.notify_all();
  }

  // The next item, or nothing at the end; throws what the producer threw, after the items before it. From one thread.
  std::optional<T> next() {
    if (portion_.empty()) take_portion();
    if (portion_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::nullopt;
    }
    std::optional<T> item(std::move(portion_.front()));
    portion_.pop_front();
    return item;
  }

  // Whether next() would not wait. From the taker's thread.
  bool ready() {
    if (!portion_.empty()) return true;
    const std::lock_guard lock(mutex_);
    return is_portion() || full_ || ended_;
  }

  // What was taken and is done with goes back, to be destroyed by the producer at its next item: memory is freed without a wait by the thread that
  // allocated it, and by another one only when the two don't meet in the allocator. Destroyed here when the producer has ended.
  void give_back(std::vector<T> items) {
    if (items.empty()) return;
    const std::lock_guard lock(mutex_);
    if (!ended_) given_back_.push_back(std::exchange(items, {}));
  }

 private:
  void run(const std::function<void(const Emit&)>& produce) {
    std::exception_ptr error;
    try {
      produce([this](T item, std::size_t bytes) { return push(std::move(item), bytes); });
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      error_ = std::move(error);
      ended_ = true;
    }
    arrived_.notify_one();
  }

  void take_portion() {
    {
      std::unique_lock lock(mutex_);
      taker_waits_ = true;
      arrived_.wait(lock, [this] { return is_portion() || full_ || ended_; });
      taker_waits_ = false;
      std::swap(portion_, queue_);
      bytes_ = 0;
      full_ = false;
    }
    room_.notify_one();
  }

  bool push(T item, std::size_t bytes) {
    std::vector<std::vector<T>> done;  // outlives the lock
    std::unique_lock lock(mutex_);
    if (!has_room(bytes) && !taker_gone_) {
      full_ = true;
      arrived_.notify_one();
      room_.wait(lock, [&] { return taker_gone_ || has_room(bytes); });
    }
    if (taker_gone_) return false;
    queue_.push_back(std::move(item));
    bytes_ += bytes;
    std::swap(done, given_back_);
    const bool wake = taker_waits_ && is_portion();
    lock.unlock();
    if (wake) arrived_.notify_one();
    return true;
  }

  // Half of the limits for what waits, half for the portion that is being taken.
  bool has_room(std::size_t bytes) const { return queue_.empty() || (queue_.size() < limits_.items / 2 && bytes_ + bytes <= limits_.bytes / 2); }
  bool is_portion() const {
    return !queue_.empty() && (queue_.size() >= std::max<std::size_t>(limits_.items / portions, 1) || bytes_ >= limits_.bytes / portions);
  }

  static constexpr std::size_t portions = 64;  // of the limits: the least that a taker is woken for

  std::mutex mutex_;  // guards what follows, to portion_
  QueueLimits limits_;
  std::condition_variable arrived_;
  std::condition_variable room_;
  std::deque<T> queue_;
  std::size_t bytes_ = 0;  // of the queue
  bool full_ = false;      // the producer waits for room
  bool taker_waits_ = false;
  std::vector<std::vector<T>> given_back_;
  std::exception_ptr error_;
  bool ended_ = false;
  bool taker_gone_ = false;
  std::deque<T> portion_;  // the taker's alone
  std::jthread thread_;    // the last member: it uses the others
};

}  // namespace tidemark::ingest
