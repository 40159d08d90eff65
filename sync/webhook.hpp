// Tells a consumer about a revision: in the background, at least once, latest wins. git-sync's contract: POST with an empty body and `Gitsync-Hash`; ours: `Tidemark-Ref`, `Tidemark-Previous`, any 2xx is success.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "daemon/backoff.hpp"
#include "daemon/http_client.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"

namespace tidemark::sync {

struct Notice {
  std::string commit;    // hex
  std::string ref;
  std::string previous;  // hex, or ""
};

class Webhook {
 public:
  struct Settings {
    std::string url;
    Duration timeout;
    Backoff backoff;
  };
  Webhook(Settings settings, Metrics& metrics, Log& log);
  ~Webhook();  // ends a delivery under way

  // Replaces a notice that was not delivered yet, and takes over its `previous`: what the consumer was told last. Any thread, never waits.
  void send(Notice notice);
  // One try, on the calling thread, for --one-time: throws TransientError.
  void deliver_once(const Notice& notice);

 private:
  void run(std::stop_token stop);
  std::optional<Notice> next(std::stop_token stop);
  void wait_for_newer(Duration at_most, std::stop_token stop);
  void settle(const Notice& delivered);
  void call(HttpClient& client, const Notice& notice, std::stop_token stop);

  const Settings settings_;
  Log& log_;
  Counter& successes_;
  Counter& errors_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Notice> pending_;  // until it was delivered
  bool is_newer_ = false;          // pending_ came after the last try began
  std::jthread thread_;
};

}  // namespace tidemark::sync
