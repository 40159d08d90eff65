// What a function produces, made on a thread of its own and taken one by one: the queue between the two is bounded in items and bytes, and keeps the order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

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

  // The next item, or nothing at the end; throws what the producer threw, after the items before it. From one thread.
  std::optional<T> next() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !queue_.empty() || ended_; });
    if (queue_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::nullopt;
    }
    auto item = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= item.second;
    lock.unlock();
    room_.notify_one();
    return std::move(item.first);
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
      error_ = error;
      ended_ = true;
    }
    arrived_.notify_one();
  }

  bool push(T item, std::size_t bytes) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [&] { return taker_gone_ || queue_.empty() || (queue_.size() < limits_.items && bytes_ + bytes <= limits_.bytes); });
      if (taker_gone_) return false;
      queue_.emplace_back(std::move(item), bytes);
      bytes_ += bytes;
    }
    arrived_.notify_one();
    return true;
  }

  QueueLimits limits_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable room_;
  std::deque<std::pair<T, std::size_t>> queue_;
  std::size_t bytes_ = 0;
  std::exception_ptr error_;
  bool ended_ = false;
  bool taker_gone_ = false;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace tidemark::ingest
