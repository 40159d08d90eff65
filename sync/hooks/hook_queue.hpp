// Runs a hook for the newest revision on a thread of its own, so that no pass waits for it: one slot, latest wins, at least once, again after a
// growing pause until it succeeds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "daemon/backoff.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "sync/hooks/notice.hpp"

namespace tidemark::sync {

struct HookState {
  std::string name;
  std::string waiting;    // the commit that it has not succeeded for yet, or ""
  std::string succeeded;  // the commit that it succeeded for last, or ""
  int failures = 0;       // in a row
  std::string error;      // of the last failure in this row, or ""
};

class HookQueue {
 public:
  // One try: throws TransientError. Its token is asked to stop when the queue ends.
  using Attempt = std::function<void(const Notice& notice, std::stop_token stop)>;

  // `name` is git-sync's: webhook, exechook, pre-publish-exechook; it labels the metrics.
  HookQueue(std::string name, Backoff backoff, Attempt attempt, Metrics& metrics, Log& log);
  ~HookQueue();  // ends a try under way
  HookQueue(const HookQueue&) = delete;
  HookQueue& operator=(const HookQueue&) = delete;

  // Replaces a notice that did not succeed yet, and takes over its `previous`: what the consumer was told last. It does not wait for the pause after
  // failures of an older one. Any thread, never waits.
  void send(Notice notice);
  // Forgets what did not succeed yet; a try under way goes on.
  void withdraw();
  // One try on the calling thread, for --one-time: throws TransientError.
  void run_once(const Notice& notice, std::stop_token stop = {});

  HookState state() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run(std::stop_token stop);
  std::optional<Notice> next(std::stop_token stop);
  void wait_for_newer(Duration at_most, std::stop_token stop);
  void try_once(const Notice& notice, std::stop_token stop);
  void settle(const Notice& succeeded);
  int note_failure(const std::string& error);

  const std::string name_;
  const Backoff backoff_;
  const Attempt attempt_;
  Log& log_;
  Counter& successes_;
  Counter& errors_;
  Histogram& durations_;
  Histogram& delays_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Notice> pending_;  // until it succeeded
  Clock::time_point sent_;         // when pending_ came
  bool is_newer_ = false;          // pending_ came after the last try began
  HookState state_;
  std::jthread thread_;
};

}  // namespace tidemark::sync
