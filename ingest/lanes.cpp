#include "ingest/lanes.hpp"

#include <utility>

namespace tidemark::ingest {

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    under_way_ -= waiting_.size();
    waiting_.clear();
  }
  work_.notify_all();
}

void Lanes::start(std::vector<Operation> batch) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(batch));
  ++under_way_;
  if (idle_ < waiting_.size()) {
    threads_.emplace_back([this] { work(); });
  } else {
    work_.notify_one();
  }
}

void Lanes::wait_for_fewer_than(std::size_t limit) {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [&] { return under_way_ < (failure_ ? 1 : limit); });
  if (failure_) std::rethrow_exception(failure_);
}

std::vector<AppliedBatch> Lanes::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(applied_, {});
}

std::size_t Lanes::under_way() const {
  const std::lock_guard lock(mutex_);
  return under_way_;
}

void Lanes::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    AppliedBatch batch{.operations = std::move(waiting_.front()), .settled = {}};
    waiting_.pop_front();
    lock.unlock();
    std::exception_ptr failure;
    try {
      batch.settled = run_.apply(batch.operations);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (!failure) applied_.push_back(std::move(batch));
    if (failure && !failure_) failure_ = failure;
    --under_way_;
    returned_.notify_one();
  }
}

}  // namespace tidemark::ingest
