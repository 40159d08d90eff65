// HTTP requests of the processes to others, on libcurl. One client keeps its connections; use it from one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "daemon/error.hpp"
#include "daemon/units.hpp"

namespace tidemark {

// Files of PEM; "" = the system's authorities, no certificate of ours. Read again with each new connection, the authorities after a minute.
struct TlsFiles {
  std::string ca = {};
  std::string client_certificate = {};
  std::string client_key = {};
};

struct HttpCall {
  std::string method = "POST";
  std::string url = {};
  std::map<std::string, std::string> headers = {};
  std::string_view body = {};                     // not copied: lives as long as the call
  Duration timeout = std::chrono::seconds(10);    // for the whole call
  Duration connect_timeout{0};                    // of it, for name, connection and TLS; 0: all of it
  std::int64_t max_response_bytes = 1024 * 1024;  // of the body, unpacked
  bool accept_gzip = false;
  // Without it a call whose kept connection ends before the answer's first byte is made again over a new one, though the peer may have acted upon it.
  bool at_most_once = false;
};

struct HttpAnswer {
  int status = 0;
  std::string body = {};
  std::map<std::string, std::string> headers;  // names in lower case; of a repeated header the last, of www-authenticate all
};

// Nothing of the call was sent: no connection, or TLS refused it. Another peer may be asked.
class NotSentError : public TransientError {
 public:
  using TransientError::TransientError;
};

// It was sent, at least in part, and no whole answer came.
class NoAnswerError : public TransientError {
 public:
  using TransientError::TransientError;
};

class HttpClient {
 public:
  explicit HttpClient(TlsFiles tls = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. Throws NotSentError, NoAnswerError (timed out, cut off), or TransientError itself for an answer that is too large and
  // when `stop` is requested: the text names the URL without its credentials.
  HttpAnswer call(const HttpCall& call, std::stop_token stop = {});

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tidemark
