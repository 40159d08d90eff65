// Operations go to the engine in bounded batches, as many at once as it has lanes for; what it did with each ends in the run's report, and what it
// refused in quarantine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ingest/engine.hpp"
#include "ingest/lanes.hpp"
#include "ingest/run.hpp"

namespace tidemark::ingest {

struct BatchLimits {
  std::size_t operations = 500;
  std::int64_t bytes = 2 * 1024 * 1024;
};

// With one lane everything happens on the calling thread. With more of them a batch is applied on a thread of its own while the next ones are added,
// and a failure is thrown by a later call, once no batch is under way any more.
class Applier {
 public:
  // `before_batch` may throw to end the run between two batches. Everything is called on the thread that calls the Applier.
  Applier(EngineRun& run, BatchLimits limits, RunReport& report, std::function<void()> before_batch);

  // Gives what has been applied by now and is done with, if anything. Throws as EngineRun::apply, and StalledError when the engine refuses more than
  // a few percent of the run's documents.
  std::vector<Operation> add(Operation operation);
  // To be called when the next add() is some time off: an engine that would be idle gets what has been added so far. Gives and throws as add().
  std::vector<Operation> spare();
  // What is added from now on is applied after all that was added before. Returns when what was sent has been applied; what was not goes along with
  // what follows, at the head of its first batch, and no other overtakes that one.
  void barrier();
  // Applies all that has been added so far, though it is no full batch; gives it as add() does. To be called at the end.
  std::vector<Operation> flush();

 private:
  bool is_full(std::int64_t more_bytes) const;
  void append(Operation operation, std::int64_t bytes);
  std::vector<Operation> send();
  std::vector<Operation> apply_here();
  std::vector<Operation> collect();
  void settle_batch(const std::vector<Operation>& batch, const std::vector<Settled>& settled);
  void settle(const Operation& operation, const Settled& settled);
  void refuse(const Operation& operation, const std::string& reason);
  void check_refusals() const;
  void note(const DocumentKey& key, const std::string& problem);

  EngineRun& run_;
  BatchLimits limits_;
  RunReport& report_;
  std::function<void()> before_batch_;
  std::vector<Operation> batch_;
  std::vector<Operation> refused_;  // to be sent once more, as quarantined
  bool spans_barrier_ = false;      // batch_ begins with what was added before the barrier
  std::int64_t batch_bytes_ = 0;
  std::int64_t max_batch_bytes_ = 0;  // of the present batch
  std::int64_t documents_ = 0;
  std::int64_t refusals_ = 0;
  Lanes lanes_;
};

std::int64_t bytes_of(const Operation& operation);

}  // namespace tidemark::ingest
