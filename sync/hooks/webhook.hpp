// Tells a consumer about a revision: in the background, at least once, latest wins. git-sync's contract: POST with an empty body and `Gitsync-Hash`;
// ours: `Tidemark-Ref`, `Tidemark-Previous`, and any 2xx is success unless one status is asked for.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "daemon/backoff.hpp"
#include "daemon/http_client.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "sync/hooks/hook_queue.hpp"
#include "sync/hooks/notice.hpp"

namespace tidemark::sync {

class Webhook {
 public:
  struct Settings {
    std::string url;
    Duration timeout;
    Backoff backoff;
    std::string method = "POST";
    std::optional<int> success_status = {};  // nothing: any 2xx; 0: every answer
    std::string ca_file = {};                // "": the system's authorities
  };
  Webhook(Settings settings, Metrics& metrics, Log& log);

  void send(Notice notice) { queue_.send(std::move(notice)); }                                                      // as HookQueue::send
  void deliver_once(const Notice& notice, std::stop_token stop = {}) { queue_.run_once(notice, std::move(stop)); }  // as HookQueue::run_once
  HookState state() const { return queue_.state(); }

 private:
  void call(const Notice& notice, std::stop_token stop);
  bool is_success(int status) const;

  const Settings settings_;
  Log& log_;
  HttpClient client_;  // of the queue's thread, or of deliver_once
  HookQueue queue_;
};

}  // namespace tidemark::sync
