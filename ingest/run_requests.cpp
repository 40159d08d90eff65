#include "ingest/run_requests.hpp"

#include <utility>

namespace tidemark::ingest {

void RunRequest::merge(const RunRequest& later) {
  if (trigger.empty() || (later.by_operator && !by_operator)) trigger = later.trigger;
  if (!run) run = later.run;
  if (later.resync && resync != Resync::rewrite) resync = later.resync;
  retry_quarantine = retry_quarantine || later.retry_quarantine;
  if (later.allow_removals) allow_removals = later.allow_removals;
  by_operator = by_operator || later.by_operator;
}

void RunRequests::add(const RunRequest& request) {
  const std::lock_guard lock(mutex_);
  waiting_.merge(request);
}

std::int64_t RunRequests::add_promised(RunRequest request, const std::function<void(std::int64_t)>& promise) {
  const std::lock_guard lock(mutex_);
  if (!waiting_.run) {
    request.run = ++last_id_;
    promise(*request.run);
  }
  waiting_.merge(request);
  return *waiting_.run;
}

RunRequest RunRequests::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

bool RunRequests::operator_waits() {
  const std::lock_guard lock(mutex_);
  return waiting_.by_operator;
}

std::int64_t RunRequests::new_id() {
  const std::lock_guard lock(mutex_);
  return ++last_id_;
}

}  // namespace tidemark::ingest
