// Requests whose answers are read piece by piece, on libcurl: for what does not fit into memory. One stream keeps its connections (HTTP/2 where a
// server offers it over TLS), its cookies, and one answer at a time; use it from one thread at a time.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "daemon/error.hpp"
#include "daemon/http_client.hpp"

namespace tidemark {

struct HttpLogin {
  std::string user;
  std::string password;
  bool operator==(const HttpLogin&) const = default;
};

struct HttpStreamRequest {
  std::string method = "GET";
  std::string url = {};
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  std::optional<HttpLogin> login = {};  // sent at once, by basic authentication
};

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // as of HttpAnswer; 256 KiB at most
};

// The peer's certificate is not to be trusted, or its name is another.
class CertificateError : public TransientError {
 public:
  using TransientError::TransientError;
};

struct HttpStreamSettings {
  TlsFiles tls = {};
  std::string user_agent = "tidemark";
  std::string cookie_file = {};  // Netscape's format, or lines of Set-Cookie with a domain; read again when it has changed. "" = no cookies
};

class HttpStream {
 public:
  explicit HttpStream(HttpStreamSettings settings);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  // Gives up the last answer, sends the request and waits for the head of its answer; redirects are answers too. The proxies are those of the
  // environment (http_proxy, https_proxy, no_proxy), but never for a loopback address. There is no other limit of time than `stop`, which ends it at
  // once. This and read() throw TransientError that names the host and what failed; CertificateError.
  HttpHead begin(HttpStreamRequest request, const std::stop_token& stop);
  // The next bytes of the answer's body, at most `size`; 0 at its end. It is an error when the connection ends earlier.
  std::size_t read(char* into, std::size_t size, const std::stop_token& stop);
  // Gives up the rest of the answer. When that is short and at hand, the connection is kept.
  void end() noexcept;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tidemark
