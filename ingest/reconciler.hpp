// The controller: drives the index to the published revision, one run at a time.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "daemon/backoff.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/wakeup.hpp"
#include "ingest/engine.hpp"
#include "ingest/plan.hpp"
#include "ingest/removal_guard.hpp"
#include "ingest/run.hpp"
#include "ingest/run_metrics.hpp"
#include "ingest/run_requests.hpp"
#include "ingest/selection.hpp"
#include "ingest/source.hpp"

namespace tidemark::ingest {

struct ReconcilerSettings {
  Duration reconcile_period = std::chrono::seconds(30);
  Backoff backoff{.first = std::chrono::milliseconds(500), .limit = std::chrono::seconds(30)};
  RemovalGuard removals;
  Duration takeover_behind = std::chrono::minutes(5);  // how long a vacant lease is left alone by an agent whose target is older than the checkpoint
  bool adopt = false;                  // take over an index of another source or origin
  std::size_t batch_operations = 500;  // bounds of what is sent to the engine at once
  std::int64_t batch_bytes = 2 * 1024 * 1024;
};

struct Status {
  std::string source;
  std::string origin;
  std::optional<git::Oid> target;
  std::optional<Checkpoint> checkpoint;
  std::string engine;
  std::int64_t documents = 0;
  std::int64_t quarantine = 0;
  std::optional<WallClock::time_point> last_success;
  std::optional<WallClock::time_point> next_run;
  std::optional<std::int64_t> running;  // the run's id
  std::string standing_by;              // why, or ""
  std::string stalled;                  // why, or ""
  std::string last_error;               // of the last failed run, or what a running one is held up by; "" after a success
  int failures = 0;                     // in a row
  bool lease_held = false;
  std::string lease_holder;
};

class Reconciler {
 public:
  Reconciler(Source& source, Engine& engine, const Selection& selection, ReconcilerSettings settings, RunHistory& history, Metrics& metrics,
             Log& log);

  // The loop, on the calling thread, until `stop`: a run at start, then one after each notice, when the period has passed, or when a failure's
  // backoff has.
  void loop(std::stop_token stop);
  // One run, now, on the calling thread. Does not throw for what a run may meet: the report says it. Not at the same time as loop().
  // Stopped in mid-run it ends as failed, and the next run repeats it.
  RunReport reconcile_once(std::string trigger = "start", std::stop_token stop = {});

  // --- from any thread ---
  // Look soon; hints during a run merge into one following run. "signal" also overrules a stall or a backoff.
  void hint(std::string trigger = "hint");
  // Gives the id of the run that will do it; rewrite wins over audit when two wait.
  std::int64_t resync(Resync mode, std::optional<git::Oid> allow_removals);
  std::int64_t retry_quarantine();  // an audit that tries the quarantined files again
  Status status() const;            // `target` is where the link points at this moment
  // The commit is the checkpoint, or a known ancestor of it.
  enum class Reached { yes, not_yet, unknown_commit };
  Reached reached(const git::Oid& commit) const;

 private:
  // Among them a commit is looked for: enough for years of a busy repository, and at most a fraction of a second.
  static constexpr std::size_t ancestors_looked_at = 10'000;
  static constexpr std::size_t followers_looked_at = 64;  // of what was pushed since

  struct Attempt;  // one run, and what it has learnt so far

  bool worth_a_run(Wakeup::Cause cause);
  Wakeup::Clock::time_point next_look();
  void run(Attempt& attempt);
  void reconcile(Attempt& attempt);
  const git::ObjectStore& store_of(Attempt& attempt) const;
  void identify(Attempt& attempt);
  void inspect(Attempt& attempt);
  Decision decide_for(const Attempt& attempt, bool old_tree_known) const;
  Decision lead(Attempt& attempt, Decision decision);
  std::string reason_to_stay_behind(Attempt& attempt);
  void execute(Attempt& attempt, Decision decision);
  void announce(Attempt& attempt, const Decision& decision);
  void succeed(Attempt& attempt);
  void fail(Attempt& attempt, RunReport::Outcome outcome, std::string error);
  void end(Attempt& attempt);
  void update_facts(const Facts& facts);
  std::int64_t promise(RunRequest request);

  Source& source_;
  Engine& engine_;
  const Selection& selection_;
  ReconcilerSettings settings_;
  std::string selection_digest_;
  RunHistory& history_;
  RunMetrics metrics_;
  Log& log_;
  RunRequests requests_;
  Wakeup wakeup_;

  // The loop's thread alone.
  std::optional<git::Oid> identified_at_;  // the target at which identity_ was read
  SourceIdentity identity_;
  std::optional<git::Oid> allowed_removals_;  // an operator's confirmation, until a run of that revision has succeeded
  std::optional<git::Oid> last_target_;       // of the last run
  std::optional<std::chrono::steady_clock::time_point> last_whole_look_;
  Duration vacant_in_{0};                     // when another's lease will be vacant if it is not renewed; 0: we do not stand by for one
  std::optional<git::Oid> behind_;            // the older target at which a vacant lease was found
  int looks_in_stall_ = 0;                    // periods since the last run

  mutable std::mutex mutex_;
  Status status_;
};

}  // namespace tidemark::ingest
