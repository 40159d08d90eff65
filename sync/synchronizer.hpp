// The sidecar's loop: resolve, fetch, publish, tell; every period, on a signal and on POST /sync.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/wakeup.hpp"
#include "sync/fetcher.hpp"
#include "sync/publisher.hpp"
#include "sync/webhook.hpp"

namespace tidemark::sync {

class Synchronizer {
 public:
  Synchronizer(const SyncSettings& settings, Metrics& metrics, Log& log);
  ~Synchronizer();

  enum class Outcome { published, unchanged };
  // One pass. Throws TransientError, StalledError.
  Outcome sync_once(std::stop_token stop);
  // Until `stop`, or until --max-failures before the first success: gives the exit code.
  int loop(std::stop_token stop);
  void hint();          // sync soon; any thread
  bool ready() const;   // a revision is published; any thread

 private:
  // the implementer's
};

}  // namespace tidemark::sync
