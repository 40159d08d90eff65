#include "ingest/elasticsearch/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/backoff.hpp"
#include "daemon/error.hpp"
#include "daemon/gzip.hpp"
#include "daemon/http_client.hpp"
#include "daemon/log.hpp"
#include "ingest/elasticsearch/credential.hpp"
#include "ingest/elasticsearch/nodes.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

constexpr std::size_t worth_packing = 1024;
constexpr std::size_t kept_clients = 16;  // with their connections, once their requests are done

std::string_view content_type(std::string_view path) {
  const auto last = path.substr(0, path.find('?'));
  return last.ends_with("_bulk") || last.ends_with("_msearch") ? "application/x-ndjson" : "application/json";
}

// What may reach the server twice.
bool only_reads(const Request& request) {
  if (request.method == "GET" || request.method == "HEAD") return true;
  const auto path = std::string_view(request.path).substr(0, request.path.find('?'));
  const auto last = path.substr(path.rfind('/') + 1);
  return request.method == "POST" && (last == "_search" || last == "_analyze");
}

Duration retry_after(const HttpAnswer& answer) {
  const auto header = answer.headers.find("retry-after");
  std::int64_t seconds = 0;
  constexpr std::int64_t longest = 3'600;
  if (header == answer.headers.end()) return Duration(0);
  const auto* end = header->second.data() + header->second.size();
  const auto read = std::from_chars(header->second.data(), end, seconds);
  return std::chrono::seconds(read.ec == std::errc() && read.ptr == end ? std::clamp<std::int64_t>(seconds, 0, longest) : 0);
}

// A node, or the balancer before it, that has nobody to ask.
bool is_out_of_order(int status) { return status >= 502 && status <= 504; }

void require_pem(const std::string& file, std::vector<std::string>& problems) {
  if (file.empty()) return;
  constexpr std::size_t enough = 1024 * 1024;
  std::ifstream stream(file, std::ios::binary);
  std::string content(enough, '\0');
  if (stream) stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(stream.gcount()));
  if (!stream.is_open() || stream.bad() || content.empty()) {
    problems.push_back(fmt::format("cannot read {}, which the engine's TLS needs", file));
  } else if (content.find("-----BEGIN ") == std::string::npos) {
    problems.push_back(fmt::format("{} holds no PEM, which the engine's TLS needs", file));
  }
}

}  // namespace

struct Connection::Implementation {
  explicit Implementation(ConnectionSettings given) : settings(std::move(given)), credential(settings), nodes(settings.urls.size()) {
    for (auto& url : settings.urls) {
      while (url.ends_with('/')) url.pop_back();
    }
  }

  // A client for as long as a request lasts.
  class Lease {
   public:
    explicit Lease(Implementation& owner) : owner_(owner), client_(owner.take_client()) {}
    ~Lease() { owner_.give_back(std::move(client_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    HttpClient* operator->() { return client_.get(); }

   private:
    Implementation& owner_;
    std::unique_ptr<HttpClient> client_;
  };

  std::unique_ptr<HttpClient> take_client() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        auto client = std::move(idle.back());
        idle.pop_back();
        return client;
      }
    }
    return std::make_unique<HttpClient>(
        TlsFiles{.ca = settings.ca_file, .client_certificate = settings.client_certificate_file, .client_key = settings.client_key_file});
  }

  void give_back(std::unique_ptr<HttpClient> client) noexcept {
    const std::lock_guard lock(mutex);
    if (idle.size() < kept_clients) idle.push_back(std::move(client));  // reserved
  }

  std::vector<std::size_t> order() {
    const std::lock_guard lock(mutex);
    return nodes.order(Nodes::Clock::now(), random_unit());
  }

  void note(std::size_t node, bool well) {
    const std::lock_guard lock(mutex);
    if (well) {
      nodes.answered(node);
    } else {
      nodes.failed(node, Nodes::Clock::now(), random_unit());
    }
  }

  HttpAnswer ask(std::size_t node, HttpCall& call, const std::string& path, const std::stop_token& stop) {
    call.url = settings.urls[node] + path;
    Lease client(*this);
    try {
      auto answer = client->call(call, stop);
      note(node, !is_out_of_order(answer.status));
      return answer;
    } catch (const NotSentError&) {
      note(node, false);
      throw;
    } catch (const NoAnswerError&) {
      note(node, false);
      throw;
    }
  }

  HttpAnswer ask_in_turn(HttpCall& call, const std::string& path, const std::stop_token& stop) {
    std::string problems;
    for (const auto node : order()) {
      try {
        return ask(node, call, path, stop);
      } catch (const NotSentError& error) {
        problems += (problems.empty() ? "" : "; ") + std::string(error.what());
      }
    }
    throw TransientError(problems);
  }

  ConnectionSettings settings;
  Credential credential;
  std::mutex mutex;  // guards what follows
  Nodes nodes;
  std::vector<std::unique_ptr<HttpClient>> idle = [] {
    std::vector<std::unique_ptr<HttpClient>> none;
    none.reserve(kept_clients);
    return none;
  }();
};

Connection::Connection(ConnectionSettings settings) {
  auto problems = problems_of(settings);
  for (const auto* file : {&settings.ca_file, &settings.client_certificate_file, &settings.client_key_file}) require_pem(*file, problems);
  if (!problems.empty()) throw ConfigError(std::move(problems));
  implementation_ = std::make_unique<Implementation>(std::move(settings));
}

Connection::~Connection() = default;

Response Connection::send(const Request& request, std::stop_token stop) {
  auto& self = *implementation_;
  std::string packed;
  HttpCall call{.method = std::string(request.method),
                .body = request.body,
                .timeout = request.timeout.count() > 0 ? request.timeout : self.settings.timeout,
                .connect_timeout = self.settings.connect_timeout,
                .max_response_bytes = request.max_response_bytes,
                .accept_gzip = self.settings.compress,
                .at_most_once = !only_reads(request)};
  call.headers.emplace("Accept", "application/json");
  if (!request.body.empty()) call.headers.emplace("Content-Type", content_type(request.path));
  if (self.settings.compress && request.body.size() > worth_packing) {
    packed = gzipped(request.body);
    call.body = packed;
    call.headers.emplace("Content-Encoding", "gzip");
  }
  std::optional<Authorization> authorization = self.credential.current();
  while (authorization) {
    if (!authorization->header.empty()) call.headers.insert_or_assign("Authorization", authorization->header);
    auto answer = self.ask_in_turn(call, request.path, stop);
    if (answer.status != 401) {
      const auto product = answer.headers.find("x-elastic-product");
      return {.status = answer.status,
              .body = std::move(answer.body),
              .retry_after = retry_after(answer),
              .elastic_product = product != answer.headers.end() && product->second == "Elasticsearch"};
    }
    authorization = self.credential.renewed(*authorization);
  }
  throw StalledError(fmt::format("{} {} was answered with 401: the cluster does not take {}", call.method,
                                 redact_credentials(call.url.substr(0, call.url.find('?'))), self.credential.description()));
}

}  // namespace tidemark::ingest::elasticsearch
