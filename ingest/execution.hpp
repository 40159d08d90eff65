// Carries out one decided run: plans, asks the guard, begins, applies, commits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "git/object_store.hpp"
#include "git/revision.hpp"
#include "ingest/apply.hpp"
#include "ingest/engine.hpp"
#include "ingest/generator.hpp"
#include "ingest/plan.hpp"
#include "ingest/removal_guard.hpp"
#include "ingest/run.hpp"
#include "ingest/selection.hpp"

namespace tidemark::ingest {

struct ExecutionInput {
  Mode mode = Mode::diff;  // diff, audit or rebuild
  git::Revision target;
  SourceIdentity source;
  std::int64_t generation = 0;
  std::int64_t documents = 0;  // in the index before
  std::string settings;        // the checkpoint's
  Quarantine quarantine = Quarantine::leave;
  bool removals_allowed = false;
};

class Execution {
 public:
  // Everything is used on the calling thread, the store and the selection by a reading thread too while run() lasts. The report's figures and stages
  // are filled in.
  Execution(const git::ObjectStore& store, Engine& engine, const Selection& selection, RemovalGuard guard, BatchLimits batch, RunReport& report,
            std::stop_token stop);

  // Plans a diff, before run(). False when one of the trees is no longer complete: then only another mode helps.
  bool plan_diff(const git::Oid& from_tree, const git::Oid& to_tree);

  // Throws StalledError when the guard refuses, TransientError when stopped, and what engine, store and parser throw. Without its end the index is as
  // before, or the next inspect() sees it.
  void run(const ExecutionInput& input);

 private:
  void plan_and_guard(const ExecutionInput& input);
  void guard_rebuild(const ExecutionInput& input);
  void guard_plan(const ExecutionInput& input);
  void refuse(const ExecutionInput& input, std::int64_t losses, bool nothing_left) const;
  bool target_is_empty(const git::Oid& tree) const;
  void apply(const ExecutionInput& input, EngineRun& run, std::unique_ptr<Generator<Operation>> parsed);
  std::unique_ptr<Generator<Operation>> read_ahead(const ExecutionInput& input) const;
  void apply_upserts(const ExecutionInput& input, Applier& applier, Generator<Operation>& parsed);
  void check_stop() const;

  const git::ObjectStore& store_;
  Engine& engine_;
  const Selection& selection_;
  RemovalGuard guard_;
  BatchLimits batch_;
  RunReport& report_;
  std::stop_token stop_;
  std::optional<Plan> plan_;
};

}  // namespace tidemark::ingest
