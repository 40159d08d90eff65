// One HTTP/1.1 request read from a socket and answered on it. cpp-httplib parses and serialises; it stays in http_exchange.cpp.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/http_server.hpp"

namespace tidemark {

inline constexpr std::size_t max_head_bytes = 24 * 1024;

// What arrived of a connection's next request so far.
struct HttpConnection {
  int socket = -1;
  int interrupt = -1;  // readable when the server stops
  std::string input;
};

// A request as it was read; `target` is the raw one.
struct RawRequest {
  std::string method;
  std::string target;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string local_host;
  int socket = -1;
};

class HttpExchange {
 public:
  struct Bounds {
    std::int64_t max_body_bytes;
    Duration read_timeout;   // for the whole body
    Duration write_timeout;  // for the whole answer
    Duration idle_timeout;   // announced to the client
  };
  using Check = std::function<std::optional<HttpResponse>(const RawRequest&)>;
  using Handler = std::function<HttpResponse(const RawRequest&)>;

  // `check` may refuse a request for its head, before a byte of its body is read; `handler` is not asked then. Neither throws.
  HttpExchange(Bounds bounds, Check check, Handler handler);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  // Serves the request whose whole head is in `connection.input`, and takes it from there. True when the connection can be kept. From any thread.
  bool serve(HttpConnection& connection, bool close_afterwards) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Answers without having read a whole request, as far as the socket takes it at once.
void refuse(int socket, const HttpResponse& response);

}  // namespace tidemark
