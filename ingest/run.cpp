#include "ingest/run.hpp"

#include <algorithm>

namespace tidemark::ingest {

namespace {

bool has_ended(const RunReport& report) { return report.outcome != RunReport::Outcome::queued && report.outcome != RunReport::Outcome::running; }

}  // namespace

std::string_view name_of(RunReport::Outcome outcome) {
  switch (outcome) {
    case RunReport::Outcome::queued:
      return "queued";
    case RunReport::Outcome::running:
      return "running";
    case RunReport::Outcome::succeeded:
      return "succeeded";
    case RunReport::Outcome::failed:
      return "failed";
    case RunReport::Outcome::stalled:
      return "stalled";
  }
  return "unknown";
}

std::string_view mode_of(const RunReport& report) { return report.reason.empty() ? "undecided" : name_of(report.mode); }

void RunHistory::put(const RunReport& report) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::ranges::find(runs_, report.id, &RunReport::id);
    if (has_ended(report) && (known == runs_.end() || !has_ended(*known))) ++ended_;
    if (known != runs_.end()) {
      *known = report;
    } else {
      const auto newer = std::ranges::upper_bound(runs_, report.id, {}, &RunReport::id);
      runs_.insert(newer, report);
      if (runs_.size() > capacity) runs_.pop_front();
    }
  }
  changed_.notify_all();
}

std::vector<RunReport> RunHistory::list() const {
  const std::lock_guard lock(mutex_);
  return {runs_.rbegin(), runs_.rend()};
}

std::optional<RunReport> RunHistory::find(std::int64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(runs_, id, &RunReport::id);
  if (known == runs_.end()) return std::nullopt;
  return *known;
}

bool RunHistory::wait_for(std::int64_t id, std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  const auto ended = [&] {
    const auto known = std::ranges::find(runs_, id, &RunReport::id);
    return known != runs_.end() && has_ended(*known);
  };
  changed_.wait_until(lock, deadline, [&] { return closed_ || ended(); });
  return ended();
}

std::int64_t RunHistory::wait_for_end(std::int64_t seen, std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] { return closed_ || ended_ > seen; });
  return ended_;
}

std::int64_t RunHistory::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void RunHistory::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace tidemark::ingest
