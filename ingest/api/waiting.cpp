#include "ingest/api/waiting.hpp"

#include <algorithm>

#include "ingest/api/render.hpp"

namespace tidemark::ingest::api {

namespace {

using Clock = std::chrono::steady_clock;
using Reached = Reconciler::Reached;

// A run's end wakes those who wait; what changes without one (the first look after a start finds nothing to do, the peer hangs up) is seen this much
// later.
constexpr auto longest_sleep = std::chrono::seconds(1);

HttpResponse stopping() {
  auto response = problem(503, "stopping", "Service Unavailable", "The agent is shutting down.");
  response.headers["Retry-After"] = "1";
  return response;
}

HttpResponse stalled(const RunReport& run) { return run_problem(409, "stalled", "Conflict", run.error, run.id); }

// The run that stalled over the revision that is published now, unless another is on its way.
std::optional<RunReport> current_stall(const RunHistory& history, const Status& status) {
  if (status.stalled.empty() || status.running) return std::nullopt;
  const auto runs = history.list();
  if (runs.empty() || runs.front().outcome != RunReport::Outcome::stalled) return std::nullopt;
  const auto& last = runs.front();
  return !last.to || last.to == status.target ? std::optional(last) : std::nullopt;
}

HttpResponse too_late(const git::Oid& commit, Reached reached) {
  if (reached == Reached::unknown_commit) {
    return problem(504, "unknown-commit", "Gateway Timeout",
                   "The commit " + commit.hex() + " is not known here: was it pushed to the ref that is followed?");
  }
  return problem(504, "not-yet", "Gateway Timeout", "The index has not reached the commit " + commit.hex() + " in time.");
}

}  // namespace

std::unique_ptr<WaitingRoom::Place> WaitingRoom::enter() {
  if (--free_ >= 0) return std::make_unique<Place>(free_);
  ++free_;
  return nullptr;
}

HttpResponse no_place() {
  auto response = problem(503, "too-many-waiters", "Service Unavailable", "Too many requests wait already: try again, or ask /api/v1/status.");
  response.headers["Retry-After"] = "1";
  return response;
}

HttpResponse wait_for_run(const RunHistory& history, std::int64_t run, const Waiter& waiter) {
  bool ended = false;
  for (auto now = Clock::now(); !ended;) {
    const auto wake = std::min(waiter.deadline, now + longest_sleep);
    ended = history.wait_for(run, wake);
    now = Clock::now();
    if (!ended && now < wake) return stopping();
    if (!ended && (now >= waiter.deadline || waiter.is_gone())) {
      return run_problem(504, "not-yet", "Gateway Timeout", "The run has not ended in time and goes on.", run);
    }
  }
  const auto report = history.find(run);
  if (!report) return run_problem(500, "run-failed", "Internal Server Error", "The run has ended so long ago that it is forgotten.", run);
  switch (report->outcome) {
    case RunReport::Outcome::stalled:
      return stalled(*report);
    case RunReport::Outcome::failed:
      return run_problem(500, "run-failed", "Internal Server Error", report->error, run);
    default:
      return {200, run_json(*report)};
  }
}

HttpResponse wait_for_commit(const Reconciler& reconciler, const RunHistory& history, const git::Oid& commit, const Waiter& waiter) {
  while (true) {
    const auto seen = history.ended();
    const auto reached = reconciler.reached(commit);
    const auto status = reconciler.status();
    if (reached == Reached::yes) return {200, reached_json(commit, status)};
    const bool late = Clock::now() >= waiter.deadline || waiter.is_gone();
    // A commit that is not known yet may be the one that ends the stall.
    if (late || reached == Reached::not_yet) {
      if (const auto run = current_stall(history, status)) return stalled(*run);
    }
    if (late) return too_late(commit, reached);
    const auto wake = std::min(waiter.deadline, Clock::now() + longest_sleep);
    if (history.wait_for_end(seen, wake) == seen && Clock::now() < wake) return stopping();
  }
}

}  // namespace tidemark::ingest::api
