// What asked for the next run. Hints merge: however many come while a run is going on, one run follows that serves them all.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "git/oid.hpp"
#include "ingest/decide.hpp"

namespace tidemark::ingest {

struct RunRequest {
  std::string trigger;                   // of the first that asked, "" = nobody
  std::optional<std::int64_t> run = {};  // the id that was promised
  std::optional<Resync> resync = {};     // rewrite wins over audit
  bool retry_quarantine = false;
  std::optional<git::Oid> allow_removals = {};  // the latest confirmation
  bool by_operator = false;                     // asked for by a person: not to be held back by a stall or a backoff

  // Takes in another request, the later one.
  void merge(const RunRequest& later);
};

// Safe from every thread.
class RunRequests {
 public:
  // Merges a request into the waiting one.
  void add(const RunRequest& request);
  // As add(), and gives the id of the run that will serve it: the promised one, or a new one, for which `promise` is called under the lock, so that
  // the run can't begin before.
  std::int64_t add_promised(RunRequest request, const std::function<void(std::int64_t id)>& promise);
  // The waiting request, which is then none.
  RunRequest take();
  bool operator_waits();  // one of the waiting requests is a person's
  std::int64_t new_id();

 private:
  std::mutex mutex_;
  RunRequest waiting_;
  std::int64_t last_id_ = 0;
};

}  // namespace tidemark::ingest
