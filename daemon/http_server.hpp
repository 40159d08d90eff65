// A small HTTP/1.1 server: routes, bounds, access rules. The library behind it (cpp-httplib) stays in http_server.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/units.hpp"

namespace tidemark {

// "127.0.0.1:9300", "[::1]:9300", ":9300" (every address), "localhost:0" (a free port).
struct ListenAddress {
  std::string host;
  int port = 0;
  bool is_loopback() const;  // 127.0.0.0/8, ::1, localhost
  static std::optional<ListenAddress> parse(std::string_view text);
};

struct HttpRequest {
  std::string method;
  std::string path;                                        // percent-decoded, without the query; may hold any byte
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; a name may come twice
  std::map<std::string, std::string> headers = {};         // names in lower case
  std::string body = {};

  std::function<bool()> peer_is_gone = [] { return false; };  // asked by handlers that wait: has the peer hung up?

  std::optional<std::string> parameter(std::string_view name) const;  // the first of that name
};

struct HttpResponse {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers = {};
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// RFC 9457: `type` is a short stable word of ours ("unknown-commit"), made into "urn:tidemark:problem:unknown-commit".
HttpResponse problem(int status, std::string_view type, std::string_view title, std::string_view detail);

// Which requests are let in. A web page must not be able to reach a server on loopback through its visitor's browser: the Host header has to name a
// loopback address, the address that the server listens on or was connected to, or one of `allowed_hosts` ("search.example:9300"; without a port it
// matches every port), and an Origin header, if there is one, has to name the same host and port, or an allowed host. With a bearer token, every
// request must carry it (compared in constant time). Who is not let in is told so before a body is read.
struct HttpAccess {
  bool check_host = true;
  std::vector<std::string> allowed_hosts = {};
  std::function<std::optional<std::string>()> bearer_token = {};  // asked per request; empty function = none needed
};

class HttpServer {
 public:
  struct Options {
    HttpAccess access = {};
    std::int64_t max_body_bytes = 64 * 1024;
    int max_threads = 64;                              // grows on demand; what comes on top waits in a bounded queue, then is answered 503
    Duration read_timeout = std::chrono::seconds(10);  // of a whole head, and of a whole body
    Duration idle_timeout = std::chrono::seconds(2);   // of a kept-alive connection
  };

  HttpServer(ListenAddress address, Options options, Log& log);
  ~HttpServer();  // as stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before start(). `pattern` is a path; a last segment `*` matches the rest, slashes included: "/api/v1/documents/*". The longest pattern wins.
  // A path that is known under other methods answers 405 with Allow; an unknown one 404. HEAD is served by GET. A handler that throws answers 500 and
  // is logged.
  void route(std::string method, std::string pattern, HttpHandler handler);

  // Binds and starts to answer. Throws ConfigError saying which address could not be bound and why ("address already in use").
  void start();
  // Stops to accept, lets the running handlers end, joins. May be called twice.
  void stop();
  int port() const;  // the bound one
  int max_threads() const;
  std::string address() const;  // "127.0.0.1:9300", with the bound port

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tidemark
