// What one pass of the loop did, for the API, the log and the metrics; and the last 1,000 of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "git/oid.hpp"
#include "ingest/decide.hpp"

namespace tidemark::ingest {

using WallClock = std::chrono::system_clock;

struct RunReport {
  enum class Outcome { queued, running, succeeded, failed, stalled };

  std::int64_t id = 0;                // grows by one; from 1 at every start of the process
  std::string trigger;                // "start", "hint", "resync", "period", "retry", "signal", "quarantine-retry"
  Mode mode = Mode::up_to_date;
  std::string reason;                 // the decision's
  Outcome outcome = Outcome::queued;
  std::string error;                  // of failed and stalled, in words
  std::optional<git::Oid> from;       // the checkpoint before
  std::optional<git::Oid> to;         // the target
  std::int64_t examined = 0;          // files or changes looked at
  std::int64_t upserted = 0;
  std::int64_t removed = 0;
  std::int64_t quarantined = 0;
  std::int64_t bytes = 0;             // of blobs read
  std::map<std::string, double> seconds;  // by stage: inspect, plan, apply, commit
  std::vector<std::string> problems;  // at most 20: "docs/a.md: front matter, line 3: ..."
  WallClock::time_point started;
  WallClock::time_point ended;
};

std::string_view name_of(RunReport::Outcome outcome);
std::string_view mode_of(const RunReport& report);  // the mode's name; "undecided" for a run that ended before its decision

// Safe from every thread.
class RunHistory {
 public:
  static constexpr std::size_t capacity = 1'000;
  void put(const RunReport& report);  // new, or the new content of the one with its id; wakes the waiters
  std::vector<RunReport> list() const;  // newest first
  std::optional<RunReport> find(std::int64_t id) const;
  // Until the run has ended (true) or the deadline has passed.
  bool wait_for(std::int64_t id, std::chrono::steady_clock::time_point deadline) const;
  // The public half of a wait for anything that a run may change: returns when a run has ended after `seen` runs had, or at the deadline; gives the new count.
  std::int64_t wait_for_end(std::int64_t seen, std::chrono::steady_clock::time_point deadline) const;
  std::int64_t ended() const;
  void close();  // ends every wait: shutdown

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<RunReport> runs_;
  std::int64_t ended_ = 0;
  bool closed_ = false;
};

}  // namespace tidemark::ingest
