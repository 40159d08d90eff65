// What the sidecar answers on --http-bind: readiness and metrics as git-sync does it, health, the status, and POST /sync as a hint.
#pragma once

#include <memory>

#include "daemon/http_server.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "sync/synchronizer.hpp"

namespace tidemark::sync {

// Not started yet. On loopback only requests that name a loopback address as their Host and Origin are answered: a web page must not reach it through
// a browser. Bound to other addresses, it answers to every name, as probes and scrapers call it by the Pod's address. `synchronizer` and `metrics`
// must live longer. Every other path is answered as `/`, since git-sync's probes may ask anywhere.
enum class Exposition { served, off };
std::unique_ptr<HttpServer> make_http_server(const ListenAddress& address, Synchronizer& synchronizer, const Metrics& metrics, Log& log,
                                             Exposition exposition = Exposition::served);

}  // namespace tidemark::sync
