// How the sidecar fares: what its probes, metrics, status, error file and touch file are made from. All of it from every thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/units.hpp"
#include "sync/hooks/notice.hpp"
#include "sync/notice_files.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  using WallClock = std::chrono::system_clock;

  Progress(const SyncSettings& settings, Metrics& metrics, Log& log);

  // A pass, in this order: pass_begins, perhaps published, and one of the others.
  void pass_begins();
  void published(const Notice& notice);  // or found published, in the first pass
  void pass_succeeded(bool is_new);      // the first one with something published counts as new, as with git-sync
  void pass_failed(const std::string& error);
  void repaired();                             // the live tree was damaged
  void received(std::int64_t bytes);           // of packs, from the remote
  void hook_failed(const std::string& error);  // with --one-time, where it is the last word

  struct Failure {
    std::string error;  // without credentials
    WallClock::time_point at;
    std::int64_t in_a_row = 0;
  };
  struct State {
    std::optional<Notice> current;  // what is published
    std::optional<WallClock::time_point> published_at;
    std::optional<WallClock::time_point> succeeded_at;
    std::optional<Failure> failure;  // since the last success
    std::int64_t passes = 0;
    std::int64_t received_bytes = 0;
    std::int64_t repairs = 0;
    std::optional<WallClock::time_point> repaired_at;
  };
  State state() const;
  bool ready() const;    // a revision is published, and the last success is not older than --stale-after
  bool healthy() const;  // no pass hangs far beyond its limit

 private:
  void count(const char* status);

  const Duration sync_timeout_;
  const Duration stale_after_;
  Metrics& metrics_;
  Counter& received_bytes_;
  Counter& repairs_;
  ErrorFile error_file_;
  TouchFile touch_file_;
  mutable std::mutex mutex_;
  State state_;
  bool has_told_ = false;                        // of something published
  std::optional<Clock::time_point> pass_began_;  // between passes nothing
  std::optional<Clock::time_point> last_success_;
};

}  // namespace tidemark::sync
