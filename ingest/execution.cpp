#include "ingest/execution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/prepare.hpp"
#include "ingest/stage.hpp"

namespace tidemark::ingest {

namespace {

// So few documents are read on the run's own thread: a thread would cost more than it wins.
constexpr std::int64_t inline_upserts = 16;
// What may lie between the thread that parses and the one that applies: half of it is more than a batch, so that the next one is parsed while one is applied.
constexpr QueueLimits parsed_ahead{.items = 2'000, .bytes = 6 * 1024 * 1024};
// Several batches under way keep an engine busy meanwhile.
constexpr QueueLimits parsed_ahead_of_lanes{.items = 2'000, .bytes = 3 * 1024 * 1024};

}  // namespace

Execution::Execution(const git::ObjectStore& store, Engine& engine, const Selection& selection, RemovalGuard guard, BatchLimits batch,
                     RunReport& report, std::stop_token stop)
    : store_(store), engine_(engine), selection_(selection), guard_(guard), batch_(batch), report_(report), stop_(std::move(stop)) {}

bool Execution::plan_diff(const git::Oid& from_tree, const git::Oid& to_tree) {
  const Stage stage(report_, "plan");
  if (!store_.contains_trees_of(from_tree)) return false;
  try {
    plan_ = ingest::plan_diff(store_, from_tree, to_tree, selection_);
  } catch (const git::Error&) {
    return false;  // if it was the target's tree, the mode that follows reads it again and says so
  }
  report_.examined = plan_->examined;
  return true;
}

void Execution::run(const ExecutionInput& input) {
  RunStart start{.mode = input.mode, .generation = input.generation, .source = input.source, .planned = -1};
  std::unique_ptr<EngineRun> run;
  // An audit's listing means something only after its intent; the others are refused before they have left a trace.
  if (input.mode == Mode::audit) run = engine_.begin(start);
  {
    const Stage stage(report_, "plan");
    plan_and_guard(input);
  }
  if (plan_) start.planned = plan_->upserts() + plan_->removals();
  std::unique_ptr<Generator<Operation>> parsed;
  // While an engine makes a fresh index, the first documents are read.
  if (input.mode == Mode::rebuild) parsed = read_ahead(input);
  if (!run) run = engine_.begin(start);
  {
    const Stage stage(report_, "apply");
    apply(input, *run, std::move(parsed));
  }
  const Stage stage(report_, "commit");
  check_stop();
  run->commit({.commit = input.target.commit,
               .tree = input.target.tree,
               .committed_at = input.target.committed_at,
               .settings = input.settings,
               .parser_version = parser::version});
}

void Execution::plan_and_guard(const ExecutionInput& input) {
  if (input.mode == Mode::rebuild) return guard_rebuild(input);
  if (input.mode == Mode::audit) {
    plan_ = plan_audit(store_, input.target.tree, selection_, engine_, input.quarantine);
    report_.examined = plan_->examined;
  }
  guard_plan(input);
}

// A rebuild streams, so the files are counted first if there is something to lose: a walk over trees alone.
void Execution::guard_rebuild(const ExecutionInput& input) {
  if (input.documents == 0 || input.removals_allowed) return;
  std::int64_t files = 0;
  for_each_wanted(store_, input.target.tree, selection_, [&](std::string_view, const git::Oid&) {
    if (++files % 1024 == 0) check_stop();
    return true;
  });
  refuse(input, std::max<std::int64_t>(input.documents - files, 0), files == 0);
}

void Execution::guard_plan(const ExecutionInput& input) {
  if (input.removals_allowed || plan_->removals() == 0) return;
  const bool nothing_left = plan_->upserts() == 0 && plan_->removals() >= input.documents && target_is_empty(input.target.tree);
  const bool worth_a_look = guard_.refuses(plan_->removals(), input.documents, nothing_left);
  if (worth_a_look) refuse(input, plan_->losses(), nothing_left);
}

void Execution::refuse(const ExecutionInput& input, std::int64_t losses, bool nothing_left) const {
  if (!guard_.refuses(losses, input.documents, nothing_left)) return;
  const auto commit = input.target.commit.hex();
  throw StalledError(
      fmt::format("revision {} would remove {} of {} documents: confirm it by POST /api/v1/resync?mode=audit&allow-removals={}, push another "
                  "revision, or raise --max-removals",
                  commit.substr(0, 12), nothing_left ? input.documents : losses, input.documents, commit));
}

bool Execution::target_is_empty(const git::Oid& tree) const {
  bool empty = true;
  for_each_wanted(store_, tree, selection_, [&](std::string_view, const git::Oid&) { return empty = false; });
  return empty;
}

// Upserts first: while a file moves it is found twice rather than not at all.
void Execution::apply(const ExecutionInput& input, EngineRun& run, std::unique_ptr<Generator<Operation>> parsed) {
  Applier applier(run, batch_, report_, [this] { check_stop(); });
  if (plan_ && plan_->upserts() <= inline_upserts) {
    Preparer preparer(store_, selection_, input.target, input.generation);
    plan_->for_each_upsert([&](std::string_view path, const git::Oid& oid) {
      applier.add(preparer.prepare(path, oid));
      return true;
    });
  } else {
    if (!parsed) parsed = read_ahead(input);
    if (run.lanes() <= 1) parsed->limit(parsed_ahead);
    apply_upserts(input, applier, *parsed);
  }
  if (plan_ && plan_->removals() > 0) {
    applier.barrier();
    plan_->for_each_removal([&](const DocumentKey& key) {
      applier.add(Removal{key});
      return true;
    });
  }
  applier.flush();
}

// Reading and parsing run ahead of the engine by no more than the queue holds.
std::unique_ptr<Generator<Operation>> Execution::read_ahead(const ExecutionInput& input) const {
  return std::make_unique<Generator<Operation>>(parsed_ahead_of_lanes, [this, &input](const Generator<Operation>::Emit& emit) {
    Preparer preparer(store_, selection_, input.target, input.generation);
    const auto visit = [&](std::string_view path, const git::Oid& oid) {
      auto operation = preparer.prepare(path, oid);
      const auto bytes = static_cast<std::size_t>(bytes_of(operation));
      return emit(std::move(operation), bytes);
    };
    if (plan_) {
      plan_->for_each_upsert(visit);
    } else {
      for_each_wanted(store_, input.target.tree, selection_, visit);
    }
  });
}

void Execution::apply_upserts(const ExecutionInput& input, Applier& applier, Generator<Operation>& parsed) {
  const bool fills = input.mode == Mode::rebuild;
  for (;;) {
    // An engine that is filled has no use for full batches while it would be idle; others write less the more they are told at once.
    if (fills && !parsed.ready()) parsed.give_back(applier.spare());
    auto operation = parsed.next();
    if (!operation) return;
    if (fills) ++report_.examined;
    parsed.give_back(applier.add(std::move(*operation)));
  }
}

void Execution::check_stop() const {
  if (stop_.stop_requested()) throw TransientError("the process is shutting down; the next start repeats the run");
}

}  // namespace tidemark::ingest
