// The controller: drives the index to the published revision, one run at a time.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "daemon/backoff.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/wakeup.hpp"
#include "ingest/engine.hpp"
#include "ingest/run.hpp"
#include "ingest/selection.hpp"
#include "ingest/source.hpp"

namespace tidemark::ingest {

// "50%": over that share of the index's documents and over 100 of them, a run's removals need a confirmation. 100 switches the guard off. A run that would remove everything is refused below 100 as well.
struct RemovalGuard {
  int percent = 50;
  bool refuses(std::int64_t removals, std::int64_t documents) const;
};

struct ReconcilerSettings {
  Duration reconcile_period = std::chrono::seconds(30);
  Backoff backoff{.first = std::chrono::milliseconds(500), .limit = std::chrono::seconds(30)};
  RemovalGuard removals;
  bool adopt = false;                       // take over an index of another source or origin
  std::size_t batch_operations = 500;
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
  std::optional<std::int64_t> running;      // the run's id
  std::string standing_by;                  // why, or ""
  std::string stalled;                      // why, or ""
  std::string last_error;                   // of the last failed run, "" after a success
  int failures = 0;                         // in a row
  bool lease_held = false;
  std::string lease_holder;
};

class Reconciler {
 public:
  Reconciler(Source& source, Engine& engine, const Selection& selection, ReconcilerSettings settings, RunHistory& history, Metrics& metrics, Log& log);

  // The loop, on the calling thread, until `stop`: a run at start, then one after each notice, when the period has passed, or when a failure's backoff has.
  void loop(std::stop_token stop);
  // One run, now, on the calling thread. Does not throw for what a run may meet: the report says it. Not at the same time as loop().
  RunReport reconcile_once(std::string trigger = "start");

  // --- from any thread ---
  void hint(std::string trigger = "hint");               // look soon; hints during a run merge into one following run
  std::int64_t resync(Resync mode, std::optional<git::Oid> allow_removals);  // the id of the run that will do it; rewrite wins over audit when two wait
  std::int64_t retry_quarantine();                       // an audit that tries the quarantined files again
  Status status() const;
  // The commit is the checkpoint, or a known ancestor of it.
  enum class Reached { yes, not_yet, unknown_commit };
  Reached reached(const git::Oid& commit) const;

 private:
  // The implementer's; keep the public half.
};

}  // namespace tidemark::ingest
