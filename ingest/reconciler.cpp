// The loop, and what other threads may ask of it. What happens in one run is in reconcile.cpp.
#include "ingest/reconciler.hpp"

#include <algorithm>
#include <utility>

#include "daemon/error.hpp"
#include "git/error.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest {

namespace {

// While nothing has been published yet, the link is looked for this often: a look is one system call.
constexpr Duration first_revision_period = std::chrono::seconds(1);
constexpr int periods_in_stall = 10;

}  // namespace

Reconciler::Reconciler(Source& source, Engine& engine, const Selection& selection, ReconcilerSettings settings, RunHistory& history, Metrics& metrics,
                       Log& log)
    : source_(source),
      engine_(engine),
      selection_(selection),
      settings_(std::move(settings)),
      selection_digest_(digest(selection.canonical()).hex()),
      history_(history),
      metrics_(metrics),
      log_(log) {
  status_.engine = engine_.kind();
}

void Reconciler::loop(std::stop_token stop) {
  std::string trigger = "start";
  while (!stop.stop_requested()) {
    reconcile_once(std::exchange(trigger, "hint"), stop);
    auto deadline = next_look();
    for (;;) {
      const auto cause = wakeup_.wait_until(deadline, stop);
      if (cause == Wakeup::Cause::stopped) return;
      if (worth_a_run(cause)) {
        if (cause == Wakeup::Cause::deadline) trigger = status().failures > 0 ? "retry" : "period";
        break;
      }
      if (cause == Wakeup::Cause::deadline) deadline = next_look();
    }
  }
}

// After a failure only the backoff's end, an operator or another revision are a reason to try again; in a stall the first is none. What an operator
// does elsewhere, room on the disk say, sends no notice, so a stall is looked into again once in a while.
bool Reconciler::worth_a_run(Wakeup::Cause cause) {
  bool stalled = false;
  bool failing = false;
  {
    const std::lock_guard lock(mutex_);
    stalled = !status_.stalled.empty();
    failing = status_.failures > 0;
  }
  if ((!stalled && !failing) || requests_.operator_waits()) return true;
  if (cause == Wakeup::Cause::deadline && (!stalled || ++looks_in_stall_ >= periods_in_stall)) return true;
  try {
    return source_.published() != last_target_;
  } catch (const TransientError&) {
    return false;  // whatever is wrong with the link, the next run that is due will say it
  }
}

Wakeup::Clock::time_point Reconciler::next_look() {
  const std::lock_guard lock(mutex_);
  auto delay = settings_.reconcile_period;
  if (status_.stalled.empty() && status_.failures > 0) {
    delay = settings_.backoff.delay(status_.failures, random_unit());
  } else if (!last_target_) {
    delay = std::min(delay, first_revision_period);
  } else if (vacant_in_ > Duration{0}) {
    delay = std::min(delay, vacant_in_);
  }
  if (status_.stalled.empty()) status_.next_run = WallClock::now() + delay;
  return Wakeup::Clock::now() + delay;
}

void Reconciler::hint(std::string trigger) {
  const bool by_operator = trigger == "signal";
  requests_.add({.trigger = std::move(trigger), .by_operator = by_operator});
  wakeup_.notify();
}

std::int64_t Reconciler::resync(Resync mode, std::optional<git::Oid> allow_removals) {
  return promise({.trigger = "resync", .resync = mode, .allow_removals = allow_removals, .by_operator = true});
}

std::int64_t Reconciler::retry_quarantine() {
  return promise({.trigger = "quarantine-retry", .resync = Resync::audit, .retry_quarantine = true, .by_operator = true});
}

std::int64_t Reconciler::promise(RunRequest request) {
  const auto id = requests_.add_promised(request, [&](std::int64_t promised) {
    RunReport report;
    report.id = promised;
    report.trigger = request.trigger;
    report.started = WallClock::now();
    history_.put(report);
  });
  wakeup_.notify();
  return id;
}

Status Reconciler::status() const {
  Status status;
  {
    const std::lock_guard lock(mutex_);
    status = status_;
  }
  // A run that goes on in spite of a failure names it, too.
  if (auto trouble = status.running ? engine_.trouble() : std::string(); !trouble.empty()) status.last_error = std::move(trouble);
  try {
    status.target = source_.published();
  } catch (const TransientError&) {
    // The last known target stands; the loop's next run reports what is wrong with the link.
  }
  return status;
}

Reconciler::Reached Reconciler::reached(const git::Oid& commit) const {
  const auto now = status();
  if (now.checkpoint && now.checkpoint->commit == commit) return Reached::yes;
  try {
    const auto store = source_.open();
    const bool known = store->contains(commit);
    // What follows the checkpoint is no ancestor of it. Asked first, as a commit that is waited for was mostly just pushed.
    if (known && now.checkpoint && store->is_ancestor(now.checkpoint->commit, commit, followers_looked_at)) return Reached::not_yet;
    if (known && now.checkpoint && store->is_ancestor(commit, now.checkpoint->commit, ancestors_looked_at)) return Reached::yes;
    if (known) return Reached::not_yet;
  } catch (const TransientError&) {
    // Without a repository a commit is known only as the link's target.
  } catch (const git::Error&) {
    // As above: the loop reports what is wrong with the repository.
  }
  return now.target == commit ? Reached::not_yet : Reached::unknown_commit;
}

}  // namespace tidemark::ingest
