// One run, as an ordered list of small steps: read the link, identify, inspect, decide, execute. The type of an error decides what the loop does
// next.
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/memory.hpp"
#include "daemon/units.hpp"
#include "git/error.hpp"
#include "ingest/attempt.hpp"
#include "ingest/execution.hpp"
#include "ingest/run_log.hpp"
#include "ingest/stage.hpp"

namespace tidemark::ingest {

namespace {

// A run of this many operations leaves enough memory free to give it back.
constexpr std::int64_t large_run = 1'000;

// A rewrite does what an audit does, and more.
std::optional<Resync> stronger(std::optional<Resync> one, std::optional<Resync> other) { return one == Resync::rewrite || !other ? one : other; }

// What taking this index over asks for, or nothing when it is this source's own.
std::optional<Resync> adoption_of(const SourceIdentity& held, const SourceIdentity& ours, bool adopt) {
  if (held.name.empty()) return std::nullopt;
  if (held.name != ours.name) {
    if (adopt) return Resync::rewrite;
    throw StalledError(fmt::format(
        "the index holds the documents of source '{}', this one is '{}': name another index, give --source-name {}, or replace them with --adopt",
        held.name, ours.name, held.name));
  }
  if (origin_key(held.origin) != origin_key(ours.origin)) {
    if (adopt) return Resync::audit;
    throw StalledError(fmt::format(
        "the index holds source '{}' from '{}', this one comes from '{}': name another index or another --source-name, or go on with --adopt",
        held.name, held.origin, ours.origin));
  }
  return std::nullopt;
}

}  // namespace

RunReport Reconciler::reconcile_once(std::string trigger, std::stop_token stop) {
  Attempt attempt;
  attempt.request = requests_.take();
  attempt.stop = std::move(stop);
  attempt.report.trigger = attempt.request.trigger.empty() ? std::move(trigger) : attempt.request.trigger;
  attempt.report.id = attempt.request.run.value_or(0);
  attempt.report.outcome = RunReport::Outcome::running;
  attempt.report.started = WallClock::now();
  if (attempt.request.allow_removals) allowed_removals_ = attempt.request.allow_removals;
  run(attempt);
  return attempt.report;
}

void Reconciler::run(Attempt& attempt) {
  try {
    reconcile(attempt);
    succeed(attempt);
  } catch (const StalledError& error) {
    fail(attempt, RunReport::Outcome::stalled, error.what());
  } catch (const git::Unsupported& error) {
    fail(attempt, RunReport::Outcome::stalled, error.what());
  } catch (const git::ObjectMissing& error) {
    fail(attempt, RunReport::Outcome::failed, std::string(error.what()) + "; the link is read again");
  } catch (const git::Error& error) {
    fail(attempt, RunReport::Outcome::failed,
         fmt::format("{}; if this lasts, the repository behind {} is damaged: delete its root folder and let sync clone it again", error.what(),
                     source_.link().string()));
  } catch (const std::exception& error) {
    fail(attempt, RunReport::Outcome::failed, error.what());
  }
  end(attempt);
}

void Reconciler::reconcile(Attempt& attempt) {
  looks_in_stall_ = 0;
  last_target_ = source_.published();
  if (!last_target_) {
    announce(attempt, {Mode::stand_by, "nothing has been published at " + source_.link().string() +
                                           " yet: is tidemark-sync or git-sync running, and is this its link?"});
    return;
  }
  attempt.target = *last_target_;
  attempt.report.to = attempt.target;
  identify(attempt);
  inspect(attempt);
  auto decision = lead(attempt, decide_for(attempt, true));
  announce(attempt, decision);
  if (decision.mode != Mode::up_to_date && decision.mode != Mode::stand_by) execute(attempt, std::move(decision));
}

const git::ObjectStore& Reconciler::store_of(Attempt& attempt) const {
  if (!attempt.store) attempt.store = source_.open();
  return *attempt.store;
}

void Reconciler::identify(Attempt& attempt) {
  if (identified_at_ == attempt.target) return;
  identity_ = source_.identity(store_of(attempt));
  identified_at_ = attempt.target;
  engine_.identify(identity_);
  const std::lock_guard lock(mutex_);
  status_.source = identity_.name;
  status_.origin = identity_.origin;
}

void Reconciler::inspect(Attempt& attempt) {
  const Stage stage(attempt.report, "inspect");
  const auto now = std::chrono::steady_clock::now();
  const bool looked = last_whole_look_ && now - *last_whole_look_ < settings_.reconcile_period;
  const auto look = looked && attempt.report.trigger == "hint" ? Look::recent : Look::whole;
  vacant_in_ = Duration{0};
  attempt.facts = engine_.inspect(look);
  vacant_in_ = attempt.facts.vacant_in;
  if (look == Look::whole) last_whole_look_ = now;
  update_facts(attempt.facts);
  const auto& state = attempt.facts.state;
  if (!state) return;
  if (state->checkpoint) attempt.report.from = state->checkpoint->commit;
  attempt.adoption = adoption_of(state->source, identity_, settings_.adopt);
}

Decision Reconciler::decide_for(const Attempt& attempt, bool old_tree_known) const {
  return decide({.target = attempt.target,
                 .settings = selection_digest_,
                 .parser_version = parser::version,
                 .facts = attempt.facts,
                 .old_tree_known = old_tree_known,
                 .forced = stronger(attempt.request.resync, attempt.adoption)});
}

// Whoever is to change the index, or to vouch for it, holds its lease.
Decision Reconciler::lead(Attempt& attempt, Decision decision) {
  if (attempt.facts.leading || decision.mode == Mode::stand_by) return decision;
  if (auto reason = reason_to_stay_behind(attempt); !reason.empty()) return {Mode::stand_by, std::move(reason)};
  if (!engine_.lead()) return {Mode::stand_by, "another agent has just taken the lease"};
  attempt.facts = engine_.inspect(Look::recent);
  update_facts(attempt.facts);
  return decide_for(attempt, true);
}

// An agent that takes over from another does not move the index back at once: its sync may only be late. "" = it may go on.
std::string Reconciler::reason_to_stay_behind(Attempt& attempt) {
  const auto& facts = attempt.facts;
  const auto& state = facts.state;
  if (!state || !state->checkpoint || state->checkpoint->commit == attempt.target) return "";
  if (!behind_) behind_ = attempt.target;
  if (*behind_ != attempt.target || facts.vacant >= settings_.takeover_behind || attempt.request.resync) return "";
  const auto& store = store_of(attempt);
  const bool older = store.is_ancestor(attempt.target, state->checkpoint->commit, ancestors_looked_at) ||
                     store.revision(attempt.target).committed_at < state->checkpoint->committed_at;
  if (!older) return "";
  return fmt::format("revision {} is older than what the index holds, {}: waiting for another revision, or for --takeover-behind {}",
                     attempt.target.hex().substr(0, 12), state->checkpoint->commit.hex().substr(0, 12), format_duration(settings_.takeover_behind));
}

void Reconciler::execute(Attempt& attempt, Decision decision) {
  const auto& store = store_of(attempt);
  const auto& state = attempt.facts.state;
  ExecutionInput input{.mode = decision.mode,
                       .target = store.revision(attempt.target),
                       .source = identity_,
                       .generation = (state ? state->generation : 0) + generation_step,
                       .documents = attempt.facts.documents,
                       .settings = selection_digest_,
                       .quarantine = attempt.request.retry_quarantine ? Quarantine::retry : Quarantine::leave,
                       .removals_allowed = allowed_removals_ == attempt.target || attempt.adoption.has_value()};
  Execution execution(store, engine_, selection_, settings_.removals, {settings_.batch_operations, settings_.batch_bytes}, attempt.report,
                      attempt.stop);
  if (decision.mode == Mode::diff && !execution.plan_diff(state->checkpoint->tree, input.target.tree)) {
    // The trees of the old revision are gone, or are going at this moment.
    decision = decide_for(attempt, false);
    input.mode = decision.mode;
    announce(attempt, decision);
  }
  execution.run(input);
  allowed_removals_.reset();
  // Checkpoint and counts appear in the status together: whoever waited for the one may ask for the others.
  update_facts(engine_.inspect(Look::recent));
  const auto& report = attempt.report;
  if (report.upserted + report.removed + report.quarantined >= large_run) release_free_memory();
}

// A look that finds nothing new, once in each period, is no event: it gets no id and no place in the history.
void Reconciler::announce(Attempt& attempt, const Decision& decision) {
  auto& report = attempt.report;
  report.mode = decision.mode;
  report.reason = decision.reason;
  const bool idle = (report.mode == Mode::up_to_date || report.mode == Mode::stand_by) && report.trigger == "period";
  if (report.id == 0 && !idle) report.id = requests_.new_id();
  if (report.id == 0) return;
  history_.put(report);
  const std::lock_guard lock(mutex_);
  status_.running = report.id;
  if (report.mode != Mode::stand_by) status_.standing_by.clear();
  status_.target = last_target_;
  metrics_.update(status_);  // a long run, or one whose bulk meets silence, is behind all the while
}

void Reconciler::succeed(Attempt& attempt) {
  auto& report = attempt.report;
  report.outcome = RunReport::Outcome::succeeded;
  if (report.mode == Mode::stand_by && attempt.request.resync) {
    report.outcome = RunReport::Outcome::failed;
    report.error = report.reason;
  }
  const std::lock_guard lock(mutex_);
  status_.failures = 0;
  status_.last_error.clear();
  status_.stalled.clear();
  status_.standing_by.clear();
  if (report.mode == Mode::stand_by) {
    status_.standing_by = report.reason;
  } else {
    status_.last_success = WallClock::now();
  }
}

void Reconciler::fail(Attempt& attempt, RunReport::Outcome outcome, std::string error) {
  auto& report = attempt.report;
  if (report.id == 0) report.id = requests_.new_id();
  report.outcome = outcome;
  report.error = std::move(error);
  {
    const std::lock_guard lock(mutex_);
    status_.last_error = report.error;
    status_.standing_by.clear();
    status_.stalled = outcome == RunReport::Outcome::stalled ? report.error : "";
    ++status_.failures;
  }
  if (outcome == RunReport::Outcome::stalled) return;
  const auto& request = attempt.request;
  if (request.resync || request.retry_quarantine) {
    requests_.add({.trigger = "retry", .resync = request.resync, .retry_quarantine = request.retry_quarantine});
  }
  // worth_a_run() lets this through only if the link has moved, in which case the backoff would be for nothing.
  wakeup_.notify();
}

void Reconciler::end(Attempt& attempt) {
  auto& report = attempt.report;
  report.ended = WallClock::now();
  {
    const std::lock_guard lock(mutex_);
    status_.running.reset();
    status_.next_run.reset();
    status_.target = last_target_;
    metrics_.update(status_);
  }
  metrics_.ended(report);
  log_run(log_, report);
  if (report.id != 0) history_.put(report);
}

void Reconciler::update_facts(const Facts& facts) {
  const std::lock_guard lock(mutex_);
  status_.engine = engine_.kind();  // of a server it is known once it has answered
  status_.documents = facts.documents;
  status_.quarantine = facts.quarantined;
  status_.lease_held = facts.writable && facts.leading;
  status_.lease_holder = facts.holder;
  status_.checkpoint = facts.state ? facts.state->checkpoint : std::nullopt;
}

}  // namespace tidemark::ingest
