// The agent's HTTP API (docs/openapi.yaml): routes over the reconciler, the engine's reading half and the metrics.
#pragma once

#include "daemon/http_server.hpp"
#include "daemon/metrics.hpp"
#include "ingest/engine.hpp"
#include "ingest/reconciler.hpp"

namespace tidemark::ingest {

struct ApiContext {
  Reconciler& reconciler;
  Engine& engine;
  RunHistory& history;
  Metrics& metrics;
};

// Everything, for --listen. Waiters (/wait, /resync?wait=) are bounded to a quarter of the server's threads; one more is answered 503 with
// Retry-After.
void add_control_routes(HttpServer& server, ApiContext context);
// The GETs of search, documents and status, for --search-listen.
void add_search_routes(HttpServer& server, ApiContext context);
// /healthz, /readyz, /metrics, for --probe-listen (and part of the control routes).
void add_probe_routes(HttpServer& server, ApiContext context);

}  // namespace tidemark::ingest
