// Routes, access and answers. Below it: http_listener (connections), worker_pool (threads), http_exchange (the protocol).
#include "daemon/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>

#include "daemon/http_access.hpp"
#include "daemon/http_exchange.hpp"
#include "daemon/http_listener.hpp"
#include "daemon/net_socket.hpp"
#include "daemon/uri.hpp"
#include "daemon/worker_pool.hpp"

namespace tidemark {

namespace {

bool is_address(int family, const std::string& text) {
  in6_addr parsed{};
  return inet_pton(family, text.c_str(), &parsed) == 1;
}

bool is_host_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; });
}

std::optional<std::string> header(const RawRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::nullopt : std::optional(found->second);
}

std::string handled_as(const std::string& method) { return method == "HEAD" ? "GET" : method; }

}  // namespace

bool ListenAddress::is_loopback() const { return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_address(AF_INET, host)); }

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  const auto digits = text.substr(colon + 1);
  ListenAddress address;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-' || address.port > 65'535) return std::nullopt;
  address.host = text.substr(0, colon);
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
    return is_address(AF_INET6, address.host) ? std::optional(address) : std::nullopt;
  }
  return is_host_name(address.host) ? std::optional(address) : std::nullopt;
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  const auto found = std::find_if(query.begin(), query.end(), [&](const auto& pair) { return pair.first == name; });
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

HttpResponse problem(int status, std::string_view type, std::string_view title, std::string_view detail) {
  nlohmann::ordered_json body;
  body["type"] = "urn:tidemark:problem:" + std::string(type);
  body["title"] = title;
  body["status"] = status;
  body["detail"] = detail;
  return {status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", "application/problem+json", {}};
}

struct HttpServer::Implementation {
  struct Route {
    std::string pattern;  // without the final '*'
    bool takes_rest = false;
    std::map<std::string, HttpHandler> handlers;  // by method

    bool matches(const std::string& path) const { return takes_rest ? path.size() > pattern.size() && path.starts_with(pattern) : path == pattern; }
  };

  Implementation(ListenAddress a, Options o, Log& l) : address(std::move(a)), options(std::move(o)), log(l) {}

  const Route* find(const std::string& path) const;
  std::optional<HttpResponse> refuse(const RawRequest& raw) const;
  HttpResponse answer(const RawRequest& raw) const;
  HttpResponse run(const HttpHandler& handler, const HttpRequest& request) const;

  ListenAddress address;
  const Options options;
  Log& log;
  std::vector<Route> routes;
  int port = 0;
  std::unique_ptr<HttpExchange> exchange;
  std::unique_ptr<HttpListener> listener;
  std::unique_ptr<WorkerPool> workers;
};

const HttpServer::Implementation::Route* HttpServer::Implementation::find(const std::string& path) const {
  const Route* best = nullptr;
  for (const auto& route : routes) {
    const bool longer = best == nullptr || route.pattern.size() > best->pattern.size() || (best->takes_rest && !route.takes_rest);
    if (route.matches(path) && longer) best = &route;
  }
  return best;
}

std::optional<HttpResponse> HttpServer::Implementation::refuse(const RawRequest& raw) const {
  const auto target = parse_target(raw.target);
  if (!target) return problem(400, "bad-request", "Bad Request", "The URI has a broken % escape or over 100 parameters.");
  const AccessQuestion question{target->authority.empty() ? header(raw, "host") : std::optional(target->authority), header(raw, "origin"),
                                header(raw, "authorization"), raw.local_host};
  if (auto refusal = refuse_access(options.access, address, question)) return refusal;
  const Route* route = find(target->path);
  if (route == nullptr) return problem(404, "not-found", "Not Found", "There is nothing at this path.");
  if (route->handlers.contains(handled_as(raw.method))) return std::nullopt;
  std::string allow;
  for (const auto& [method, unused] : route->handlers) allow += (allow.empty() ? "" : ", ") + method + (method == "GET" ? ", HEAD" : "");
  auto refusal = problem(405, "method-not-allowed", "Method Not Allowed", "Allowed here: " + allow + ".");
  refusal.headers["Allow"] = allow;
  return refusal;
}

// Of a request that refuse() has let pass.
HttpResponse HttpServer::Implementation::answer(const RawRequest& raw) const {
  auto target = parse_target(raw.target).value();
  const Route* route = find(target.path);
  HttpRequest request{.method = raw.method, .path = std::move(target.path), .query = std::move(target.query), .body = raw.body};
  for (const auto& [name, value] : raw.headers) request.headers.emplace(name, value);
  request.peer_is_gone = [socket = raw.socket] { return has_hung_up(socket); };
  return run(route->handlers.at(handled_as(raw.method)), request);
}

HttpResponse HttpServer::Implementation::run(const HttpHandler& handler, const HttpRequest& request) const {
  try {
    return handler(request);
  } catch (const std::exception& error) {
    log.error("a request failed", {{"method", request.method}, {"path", request.path}, {"error", error.what()}});
  } catch (...) {
    log.error("a request failed", {{"method", request.method}, {"path", request.path}});
  }
  return problem(500, "internal", "Internal Server Error", "The request failed; the log says why.");
}

HttpServer::HttpServer(ListenAddress address, Options options, Log& log)
    : implementation_(std::make_unique<Implementation>(std::move(address), std::move(options), log)) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::route(std::string method, std::string pattern, HttpHandler handler) {
  const bool takes_rest = pattern.ends_with("/*");
  if (takes_rest) pattern.pop_back();
  auto& routes = implementation_->routes;
  auto found =
      std::find_if(routes.begin(), routes.end(), [&](const auto& route) { return route.pattern == pattern && route.takes_rest == takes_rest; });
  if (found == routes.end()) found = routes.insert(routes.end(), {std::move(pattern), takes_rest, {}});
  found->handlers[std::move(method)] = std::move(handler);
}

void HttpServer::start() {
  auto& self = *implementation_;
  Descriptor socket = listen_on(self.address);
  self.port = bound_port(socket.get());
  const auto& options = self.options;
  const auto threads = static_cast<std::size_t>(std::max(options.max_threads, 1));
  constexpr Duration write_timeout = std::chrono::seconds(30);
  self.exchange = std::make_unique<HttpExchange>(
      HttpExchange::Bounds{options.max_body_bytes, options.read_timeout, write_timeout, options.idle_timeout},
      [&self](const RawRequest& raw) { return self.refuse(raw); }, [&self](const RawRequest& raw) { return self.answer(raw); });
  self.workers = std::make_unique<WorkerPool>(threads, 4 * threads);
  self.listener = std::make_unique<HttpListener>(std::move(socket), HttpListener::Bounds{8 * threads, options.read_timeout, options.idle_timeout},
                                                 *self.exchange, *self.workers, self.log);
}

void HttpServer::stop() {
  auto& self = *implementation_;
  if (self.listener) self.listener->stop();
  if (self.workers) self.workers->stop();
}

int HttpServer::port() const { return implementation_->port; }

int HttpServer::max_threads() const { return implementation_->options.max_threads; }

std::string HttpServer::address() const {
  const auto& host = implementation_->address.host;
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(implementation_->port);
}

}  // namespace tidemark
