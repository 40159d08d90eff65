// Tells a consumer about a revision: in the background, at least once, latest wins. git-sync's contract: POST with an empty body and `Gitsync-Hash`; ours: `Tidemark-Ref`, `Tidemark-Previous`, any 2xx is success.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
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

  // Replaces a notice that was not delivered yet. Any thread, never waits.
  void send(Notice notice);
  // One try, on the calling thread, for --one-time: throws TransientError.
  void deliver_once(const Notice& notice);

 private:
  // the implementer's
};

}  // namespace tidemark::sync
