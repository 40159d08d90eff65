// HTTP requests of the processes to others, on libcurl. One client keeps its connections; use it from one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "daemon/units.hpp"

namespace tidemark {

struct HttpCall {
  std::string method = "POST";
  std::string url = {};
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  Duration timeout = std::chrono::seconds(10);  // for the whole call
  std::int64_t max_response_bytes = 1024 * 1024;
};

struct HttpAnswer {
  int status = 0;
  std::string body = {};
  std::map<std::string, std::string> headers;  // names in lower case; of a repeated header the last
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. Throws TransientError when there is none (refused, timed out, cut off, too large, `stop` requested): the text names the
  // URL without its credentials.
  HttpAnswer call(const HttpCall& call, std::stop_token stop = {});

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tidemark
