// The sidecar's loop: resolve, fetch, publish, tell; every period, on a signal and on POST /sync.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/wakeup.hpp"
#include "git/object_store.hpp"
#include "sync/hooks/hooks.hpp"
#include "sync/hooks/notice.hpp"
#include "sync/progress.hpp"
#include "sync/publish/publisher.hpp"
#include "sync/remote/fetcher.hpp"
#include "sync/remote/network.hpp"
#include "sync/repository/repository.hpp"
#include "sync/repository/submodules.hpp"
#include "sync/root_lock.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

class Synchronizer {
 public:
  // Makes or opens what is below the root; nothing is fetched yet. Notices to `wakeup` start a pass soon. Throws ConfigError, TransientError.
  Synchronizer(const SyncSettings& settings, Wakeup& wakeup, Metrics& metrics, Log& log);

  enum class Outcome { published, unchanged };
  // One pass. Throws TransientError, StalledError, git::Error.
  Outcome sync_once(std::stop_token stop);
  // Until `stop`; with --one-time until the first success, and one run of each hook. Gives the exit code: 1 when --max-failures was reached before
  // the first success, or when the only run of a hook failed.
  int loop(std::stop_token stop);

  // From any thread:
  void hint();  // sync soon
  bool ready() const { return progress_.ready(); }
  bool healthy() const { return progress_.healthy(); }
  std::optional<Notice> current() const { return progress_.state().current; }  // what is published
  std::string status() const;                                                  // JSON

 private:
  using Clock = std::chrono::steady_clock;

  Outcome timed_pass(std::stop_token stop);
  Outcome pass(std::stop_token stop);
  void start_afresh(const std::string& why);
  Outcome bring(const RemoteRef& remote, Clock::time_point start, std::stop_token stop);
  std::optional<git::Oid> known_commit(const RemoteRef& remote) const;
  git::Oid fetched(const RemoteRef& remote, std::stop_token stop);
  Outcome publish(const Notice& notice, const git::Oid& commit, Clock::time_point start, std::stop_token stop);
  void clean_up(std::stop_token stop);
  std::optional<CheckoutCounts> prepared(const git::Oid& commit, std::stop_token stop);
  void sweep(std::stop_token stop);
  void verified();
  void repaired(const Notice& notice);
  bool is_held_back(const Notice& notice, std::stop_token stop);
  bool publish_approved();
  void announce(const Notice& notice);
  void tidy_up(const git::Oid& live, std::stop_token stop);
  std::vector<git::Oid> needed_objects();
  bool is_waiting_for_first() const;  // nothing is published yet
  Duration first_period() const;
  bool gives_up(std::int64_t failures) const;
  Duration delay_after(std::int64_t failures) const;
  int announce_once(std::stop_token stop);

  const SyncSettings& settings_;
  Wakeup& wakeup_;
  Metrics& metrics_;
  Log& log_;
  Progress progress_;
  RootLock root_lock_;  // before what works in the root
  Publisher publisher_;
  Hooks hooks_;  // before the network: their environment is the user's
  Repository repository_;
  Network network_;
  Fetcher fetcher_;
  Submodules submodules_;
  std::optional<git::ObjectStore> store_;  // of the repository; nothing between two of them

  std::stop_token ending_;    // the process's end, for a pre-publish hook: it has a time limit of its own
  bool is_verified_ = false;  // what is live was compared file by file since the start
  std::optional<Clock::time_point> next_sweep_;
  bool is_full_ = false;   // the last pass failed for want of space
  bool is_untidy_ = true;  // something may lie about that is not needed
  git::Oid remote_at_;     // what the remote had at the last look: a commit, or a tag of one
  git::Oid repaired_for_;  // what the remote had when objects were found damaged last
};

}  // namespace tidemark::sync
