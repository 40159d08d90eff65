#include "ingest/servers.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::ingest {

namespace {

// Read again for each request, so that a rotated token counts at once; while it can't be read nobody gets in.
std::function<std::optional<std::string>()> token_of(const std::string& file, Log& log) {
  if (file.empty()) return {};
  return [&file, &log]() -> std::optional<std::string> {
    try {
      return read_secret_file(file);
    } catch (const TransientError& error) {
      log.error("the bearer token can't be read: every request is refused", {{"error", error.what()}});
      return std::nullopt;
    }
  };
}

}  // namespace

Servers::Servers(const IngestSettings& settings, ApiContext context, Log& log) {
  const auto add = [&](const ListenAddress& address, HttpAccess access, const char* name, auto add_routes) {
    servers_.push_back(std::make_unique<HttpServer>(address, HttpServer::Options{.access = std::move(access)}, log));
    auto& server = *servers_.back();
    add_routes(server, context);
    server.start();
    log.info("listening", {{"for", name}, {"address", server.address()}});
  };
  add(settings.listen, {.allowed_hosts = settings.allowed_hosts, .bearer_token = token_of(settings.token_file, log)}, "control", add_control_routes);
  if (settings.search_listen) add(*settings.search_listen, {.allowed_hosts = settings.allowed_hosts}, "search", add_search_routes);
  // A kubelet asks by the Pod's address, whatever that is; there is nothing to steal or to force here.
  if (settings.probe_listen) add(*settings.probe_listen, {.check_host = false}, "probes", add_probe_routes);
}

}  // namespace tidemark::ingest
