// The agent's HTTP listeners: control always, search and probes when asked for.
#pragma once

#include <memory>
#include <vector>

#include "daemon/http_server.hpp"
#include "daemon/log.hpp"
#include "ingest/api/api.hpp"
#include "ingest/settings.hpp"

namespace tidemark::ingest {

class Servers {
 public:
  // Binds and answers from here on. Throws ConfigError for an address that can't be bound. What `context` names outlives this.
  Servers(const IngestSettings& settings, ApiContext context, Log& log);

 private:
  std::vector<std::unique_ptr<HttpServer>> servers_;
};

}  // namespace tidemark::ingest
