// The routes (docs/openapi.yaml): what each reads of its request and whom it asks.
#include "ingest/api/api.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/api/parameters.hpp"
#include "ingest/api/render.hpp"
#include "ingest/api/waiting.hpp"

namespace tidemark::ingest {

namespace {

using api::Parameters;
using Clock = std::chrono::steady_clock;

constexpr Duration default_wait = std::chrono::seconds(10);
constexpr std::string_view runs_path = "/api/v1/runs/";
constexpr std::string_view documents_path = "/api/v1/documents/";

HttpResponse unavailable(const std::string& reason) {
  auto response = problem(503, "unavailable", "Service Unavailable", reason);
  response.headers["Retry-After"] = "1";
  return response;
}

// The caller's mistakes and the engine's bad moments as their answers; anything else is the server's 500. `text_parameter` is the one that an engine
// reads itself.
HttpHandler guarded(HttpHandler handler, std::string text_parameter = "q") {
  return [handler = std::move(handler), text_parameter = std::move(text_parameter)](const HttpRequest& request) -> HttpResponse {
    try {
      return handler(request);
    } catch (const api::BadParameter& error) {
      return api::parameter_problem(error.name, error.what());
    } catch (const InvalidQuery& error) {
      return api::parameter_problem(text_parameter, error.what());
    } catch (const TransientError& error) {
      return unavailable(error.what());
    } catch (const StalledError& error) {
      return unavailable(error.what());
    }
  };
}

std::optional<std::int64_t> run_id(std::string_view text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 1) return std::nullopt;
  return id;
}

HttpResponse search(Engine& engine, const HttpRequest& request) {
  const Parameters parameters(request, {"q", "limit", "offset", "path", "tag", "kind", "lang", "source"});
  SearchQuery query;
  query.text = parameters.required_text("q");
  if (query.text.size() > max_query_bytes) throw api::BadParameter("q", "is longer than " + std::to_string(max_query_bytes) + " bytes");
  query.limit = parameters.number("limit", 10, 0, max_search_limit);
  query.offset = parameters.number("offset", 0, 0, max_search_window);
  if (query.offset + query.limit > max_search_window)
    throw api::BadParameter("offset", "offset + limit must be at most " + std::to_string(max_search_window));
  query.path = parameters.text("path");
  query.tag = parameters.text("tag");
  query.kind = parameters.one_of("kind", {"page", "data"});
  query.lang = parameters.text("lang");
  query.source = parameters.text("source");
  return {200, api::search_json(engine.search(query))};
}

HttpResponse documents(Engine& engine, const HttpRequest& request) {
  constexpr int default_limit = 100;
  constexpr int max_limit = 1'000;
  const Parameters parameters(request, {"prefix", "after", "limit"});
  DocumentPageQuery query;
  query.prefix = parameters.text("prefix").value_or("");
  query.after = parameters.text("after");
  query.limit = parameters.number("limit", default_limit, 1, max_limit);
  return {200, api::documents_json(engine.documents(query))};
}

HttpResponse document(const ApiContext& context, const HttpRequest& request) {
  const Parameters parameters(request, {"fragment"});
  const DocumentKey key{request.path.substr(documents_path.size()), parameters.text("fragment").value_or("")};
  const auto found = context.engine.document(key);
  if (!found) return problem(404, "unknown-document", "Not Found", "The index holds no document of this path.");
  return {200, api::document_json(*found, context.reconciler.status().source)};
}

HttpResponse quarantine(const ApiContext& context, const HttpRequest& request) {
  constexpr int max_limit = 10'000;
  const Parameters parameters(request, {"limit"});
  const int limit = parameters.number("limit", 1'000, 1, max_limit);
  const auto entries = context.engine.quarantine(static_cast<std::size_t>(limit));
  const auto listed = static_cast<std::int64_t>(entries.size());
  return {200, api::quarantine_json(entries, std::max(listed, context.reconciler.status().quarantine))};
}

HttpResponse runs(const RunHistory& history, const HttpRequest& request) {
  constexpr int all = static_cast<int>(RunHistory::capacity);
  const int limit = Parameters(request, {"limit"}).number("limit", all, 1, all);
  auto list = history.list();
  list.resize(std::min(list.size(), static_cast<std::size_t>(limit)));
  return {200, api::runs_json(list)};
}

HttpResponse run(const RunHistory& history, const HttpRequest& request) {
  const Parameters parameters(request, {});
  const auto id = run_id(std::string_view(request.path).substr(runs_path.size()));
  const auto report = id ? history.find(*id) : std::nullopt;
  if (!report) return problem(404, "unknown-run", "Not Found", "No run of this id is remembered: the last 1,000 since the start are.");
  return {200, api::run_json(*report)};
}

// Asks for a run, and waits for its end when the request says so. The place is taken first: who finds none has asked for nothing.
HttpResponse ask_for_run(const RunHistory& history, api::WaitingRoom& room, const HttpRequest& request, std::optional<Duration> wait,
                         const std::function<std::int64_t()>& ask) {
  std::unique_ptr<api::WaitingRoom::Place> place;
  if (wait) {
    place = room.enter();
    if (!place) return api::no_place();
  }
  const std::int64_t id = ask();
  if (wait) return api::wait_for_run(history, id, {Clock::now() + *wait, request.peer_is_gone});
  return {202, api::run_accepted_json(id), "application/json", {{"Location", std::string(runs_path) + std::to_string(id)}}};
}

HttpResponse resync(const ApiContext& context, api::WaitingRoom& room, const HttpRequest& request) {
  const Parameters parameters(request, {"mode", "wait", "allow-removals"});
  const auto mode = parameters.one_of("mode", {"rewrite", "audit"}).value_or("rewrite") == "audit" ? Resync::audit : Resync::rewrite;
  const auto allow_removals = parameters.commit("allow-removals");
  return ask_for_run(context.history, room, request, parameters.seconds("wait"), [&] { return context.reconciler.resync(mode, allow_removals); });
}

HttpResponse retry_quarantine(const ApiContext& context, api::WaitingRoom& room, const HttpRequest& request) {
  const Parameters parameters(request, {"wait"});
  return ask_for_run(context.history, room, request, parameters.seconds("wait"), [&] { return context.reconciler.retry_quarantine(); });
}

HttpResponse wait(const ApiContext& context, api::WaitingRoom& room, const HttpRequest& request) {
  const Parameters parameters(request, {"commit", "timeout"});
  parameters.required_text("commit");
  const auto commit = parameters.commit("commit");
  const auto deadline = Clock::now() + parameters.seconds("timeout").value_or(default_wait);
  const auto place = room.enter();
  if (!place) return api::no_place();
  return api::wait_for_commit(context.reconciler, context.history, *commit, {deadline, request.peer_is_gone});
}

}  // namespace

void add_control_routes(HttpServer& server, ApiContext context) {
  add_probe_routes(server, context);
  add_search_routes(server, context);
  server.route("POST", "/api/v1/sync", guarded([context](const HttpRequest& request) -> HttpResponse {
                 const Parameters parameters(request, {});
                 context.reconciler.hint();
                 return {200, "{\"accepted\":true}\n"};
               }));
  server.route("GET", "/api/v1/runs", guarded([context](const HttpRequest& request) { return runs(context.history, request); }));
  server.route("GET", "/api/v1/runs/*", guarded([context](const HttpRequest& request) { return run(context.history, request); }));
  server.route("GET", "/api/v1/quarantine", guarded([context](const HttpRequest& request) { return quarantine(context, request); }));
  const auto room = std::make_shared<api::WaitingRoom>(std::max(server.max_threads() / 4, 1));
  server.route("POST", "/api/v1/resync", guarded([context, room](const HttpRequest& request) { return resync(context, *room, request); }));
  server.route("POST", "/api/v1/quarantine/retry",
               guarded([context, room](const HttpRequest& request) { return retry_quarantine(context, *room, request); }));
  server.route("GET", "/api/v1/wait", guarded([context, room](const HttpRequest& request) { return wait(context, *room, request); }));
}

void add_search_routes(HttpServer& server, ApiContext context) {
  server.route("GET", "/api/v1/status", guarded([context](const HttpRequest& request) -> HttpResponse {
                 const Parameters parameters(request, {});
                 return {200, api::status_json(context.reconciler.status())};
               }));
  server.route("GET", "/api/v1/search", guarded([context](const HttpRequest& request) { return search(context.engine, request); }));
  server.route("GET", "/api/v1/documents", guarded([context](const HttpRequest& request) { return documents(context.engine, request); }, "after"));
  server.route("GET", "/api/v1/documents/*", guarded([context](const HttpRequest& request) { return document(context, request); }));
}

void add_probe_routes(HttpServer& server, ApiContext context) {
  server.route("GET", "/healthz", [](const HttpRequest&) -> HttpResponse { return {200, "{\"status\":\"ok\"}\n"}; });
  server.route("GET", "/readyz", guarded([context](const HttpRequest&) -> HttpResponse {
                 if (context.engine.ready()) return {200, "{\"status\":\"ready\"}\n"};
                 return unavailable("A search could not be answered yet.");
               }));
  server.route("GET", "/metrics", [context](const HttpRequest&) -> HttpResponse {
    return {200, context.metrics.exposition(), "text/plain; version=0.0.4; charset=utf-8"};
  });
}

}  // namespace tidemark::ingest
