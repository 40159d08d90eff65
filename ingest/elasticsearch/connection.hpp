// Requests to a cluster: which node, with which credentials, how long. What an answer means is for others to say.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/units.hpp"

namespace tidemark::ingest::elasticsearch {

struct ConnectionSettings {
  std::vector<std::string> urls;  // http(s)://HOST[:PORT][/PREFIX] of the cluster's nodes, or of one balancer; no credentials in them
  // At most one of the three ways, each secret by itself (from the environment) or in a file. The files are read at start, and again when a request
  // is answered with 401; a last line break is no part of a secret.
  std::string username;
  std::string password;
  std::string password_file;
  std::string api_key;  // what `Authorization: ApiKey` wants: base64 of id:key; or id:key itself
  std::string api_key_file;
  std::string bearer_token;
  std::string bearer_token_file;
  std::string ca_file;  // PEM; "" = the system's
  std::string client_certificate_file;
  std::string client_key_file;
  bool compress = false;  // gzip the bodies of requests over 1 KiB, and ask for packed answers
  Duration connect_timeout = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(60);  // of one whole request, unless it says otherwise
};

// What can't work, in words and by the flags' names; nothing when all is well. Pure.
std::vector<std::string> problems_of(const ConnectionSettings& settings);

struct Request {
  std::string_view method = "GET";
  std::string path;            // from "/", escaped, with its query
  std::string_view body = {};  // JSON, or NDJSON for a path that ends with "_bulk" or "_msearch"
  Duration timeout{0};         // 0: the connection's
  std::int64_t max_response_bytes = 64 * 1024 * 1024;
};

struct Response {
  int status = 0;
  std::string body;
  Duration retry_after{0};       // of a 429 or 503 that gives it in seconds
  bool elastic_product = false;  // it carried `X-elastic-product: Elasticsearch`, as every answer of Elasticsearch does and none of OpenSearch
};

// Safe from every thread; each request has a connection of its own for as long as it lasts, kept alive afterwards.
class Connection {
 public:
  explicit Connection(ConnectionSettings settings);  // throws ConfigError for files that cannot be read
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Any status but 401 is an answer. The nodes take turns. One that cannot be reached is left out for a while and the next one asked; a request that
  // may have reached a node is not repeated here, whoever sent it knows whether it may be. Throws TransientError when no node answered, StalledError
  // for a 401 with fresh credentials.
  Response send(const Request& request, std::stop_token stop = {});

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tidemark::ingest::elasticsearch
