// Batches that are applied at the same time, each on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "ingest/engine.hpp"

namespace tidemark::ingest {

struct AppliedBatch {
  std::vector<Operation> operations;
  std::vector<Settled> settled;
};

// Used from one thread, the run's. Threads are started when they are needed.
class Lanes {
 public:
  explicit Lanes(EngineRun& run) : run_(run) {}
  ~Lanes();  // waits for what is under way
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  void start(std::vector<Operation> batch);
  // Until fewer than `limit` batches are under way; 1 waits for all. After a failure it waits for all and throws the first one's exception.
  void wait_for_fewer_than(std::size_t limit);
  // What has come back since the last call, in any order.
  std::vector<AppliedBatch> take();
  std::size_t under_way() const;

 private:
  void work();

  EngineRun& run_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable work_;
  std::condition_variable returned_;
  std::deque<std::vector<Operation>> waiting_;
  std::vector<AppliedBatch> applied_;
  std::size_t under_way_ = 0;  // those that wait for a thread included
  std::size_t idle_ = 0;       // threads
  std::exception_ptr failure_;
  bool ending_ = false;
  std::vector<std::jthread> threads_;  // the last member: they use the others
};

}  // namespace tidemark::ingest
