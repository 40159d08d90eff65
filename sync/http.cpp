#include "sync/http.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace tidemark::sync {

namespace {

HttpResponse text(int status, std::string body) { return {status, std::move(body), "text/plain; charset=utf-8", {}}; }

// https://prometheus.io/docs/instrumenting/exposition_formats/: what a label's value escapes.
std::string escaped(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (c == '\\' || c == '"') result += '\\';
    if (c == '\n')
      result += "\\n";
    else
      result += c;
  }
  return result;
}

// Written here, as a registry would keep a series for every commit there ever was.
std::string revision_info(const Synchronizer& synchronizer) {
  const auto current = synchronizer.current();
  if (!current) return {};
  return "# HELP tidemark_sync_revision_info The revision that is published\n# TYPE tidemark_sync_revision_info "
         "gauge\ntidemark_sync_revision_info{commit=\"" +
         current->commit + "\",ref=\"" + escaped(current->ref) + "\"} 1\n";
}

}  // namespace

std::unique_ptr<HttpServer> make_http_server(const ListenAddress& address, Synchronizer& synchronizer, const Metrics& metrics, Log& log,
                                             Exposition exposition) {
  HttpServer::Options options;
  options.access.check_host = address.is_loopback();
  auto server = std::make_unique<HttpServer>(address, std::move(options), log);
  const auto readiness = [&](const HttpRequest&) { return synchronizer.ready() ? text(200, "ready\n") : text(503, "repo is not ready\n"); };
  server->route("GET", "/", readiness);
  server->route("GET", "/*", readiness);
  server->route("GET", "/readyz", readiness);
  server->route("GET", "/status", [&](const HttpRequest&) { return HttpResponse{200, synchronizer.status(), "application/json", {}}; });
  server->route("GET", "/healthz", [&](const HttpRequest&) {
    return synchronizer.healthy() ? text(200, "healthy\n") : text(503, "a pass hangs beyond --sync-timeout\n");
  });
  server->route("GET", "/debug/*", [](const HttpRequest&) { return text(404, "no profiles here: see --http-pprof in docs/git-sync.md\n"); });
  server->route("GET", "/metrics", [&, exposition](const HttpRequest&) {
    if (exposition == Exposition::off) return text(404, "no metrics here: start with --http-metrics\n");
    return HttpResponse{200, metrics.exposition() + revision_info(synchronizer), "text/plain; version=0.0.4; charset=utf-8", {}};
  });
  server->route("POST", "/sync", [&](const HttpRequest&) {
    synchronizer.hint();
    return text(200, "will sync\n");
  });
  return server;
}

}  // namespace tidemark::sync
