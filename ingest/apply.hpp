// Operations go to the engine in bounded batches; what it did with each ends in the run's report, and what it refused in quarantine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ingest/engine.hpp"
#include "ingest/run.hpp"

namespace tidemark::ingest {

struct BatchLimits {
  std::size_t operations = 500;
  std::int64_t bytes = 2 * 1024 * 1024;
};

class Applier {
 public:
  // `before_batch` may throw to end the run between two batches.
  Applier(EngineRun& run, BatchLimits limits, RunReport& report, std::function<void()> before_batch);

  // Gives what has been applied by now and is done with, if anything. Throws as EngineRun::apply, and StalledError when the engine refuses more than a few
  // percent of the run's documents.
  std::vector<Operation> add(Operation operation);
  // Applies what has been added so far, though it is no full batch; gives it as add() does. To be called at the end.
  std::vector<Operation> flush();

 private:
  std::vector<Operation> send();
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
  std::int64_t batch_bytes_ = 0;
  std::int64_t documents_ = 0;
  std::int64_t refusals_ = 0;
};

std::int64_t bytes_of(const Operation& operation);

}  // namespace tidemark::ingest
