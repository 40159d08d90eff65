// Calls whose answers fit into memory, one at a time.
#include "daemon/http_client.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "daemon/curl.hpp"
#include "daemon/error.hpp"
#include "daemon/http_url.hpp"
#include "daemon/log.hpp"

namespace tidemark {

namespace {

// Handles of callbacks from C, which must not throw.
struct Answering {
  curl::Head head;
  std::string body;
  std::size_t max_response_bytes = 0;
  bool too_large = false;
  bool at_most_once = false;
  bool begun = false;
};

// Called each time that the call is about to be sent.
int before_sending(void* user, char*, char*, int, int) noexcept {
  auto& answering = *static_cast<Answering*>(user);
  const bool again = std::exchange(answering.begun, true);
  return again && answering.at_most_once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

std::size_t take_body(char* data, std::size_t, std::size_t count, void* user) noexcept {
  auto& answering = *static_cast<Answering*>(user);
  try {
    answering.too_large = count > answering.max_response_bytes - answering.body.size();
    if (answering.too_large) return 0;
    answering.body.append(data, count);
    return count;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

template <typename Error = TransientError>
[[noreturn]] void fail(const HttpCall& call, std::string_view reason) {
  throw Error(call.method + " " + told_url(call.url) + ": " + redact_credentials(reason));
}

curl::HeaderList header_list(const HttpCall& call) {
  try {
    return curl::HeaderList(call.headers);
  } catch (const std::invalid_argument& error) {
    fail(call, error.what());
  }
}

}  // namespace

struct HttpClient::Implementation {
  explicit Implementation(TlsFiles files) : tls(std::move(files)) {}

  void prepare(const HttpCall& call, const curl::HeaderList& headers, Answering& answering) {
    constexpr long authorities_seconds = 60;
    transfers.prepare(call.method, call.url, headers, call.body, answering.head);
    transfers.use(tls, authorities_seconds);
    transfers.set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(call.timeout.count(), 1)));
    transfers.set(CURLOPT_USERAGENT, "tidemark");
    transfers.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);  // one transfer at a time gains nothing by streams
    if (call.connect_timeout.count() > 0) transfers.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.count()));
    if (call.accept_gzip) transfers.set(CURLOPT_ACCEPT_ENCODING, "gzip");
    transfers.set(CURLOPT_WRITEFUNCTION, &take_body);
    transfers.set(CURLOPT_WRITEDATA, &answering);
    transfers.set(CURLOPT_PREREQFUNCTION, &before_sending);
    transfers.set(CURLOPT_PREREQDATA, &answering);
  }

  bool nothing_sent() const {
    long bytes = 0;
    return curl_easy_getinfo(transfers.easy(), CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes == 0;
  }

  TlsFiles tls;
  curl::Transfers transfers;
};

HttpClient::HttpClient(TlsFiles tls) : implementation_(std::make_unique<Implementation>(std::move(tls))) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::call(const HttpCall& call, std::stop_token stop) {
  auto& transfers = implementation_->transfers;
  Answering answering;
  answering.at_most_once = call.at_most_once;
  answering.max_response_bytes = static_cast<std::size_t>(std::max<std::int64_t>(call.max_response_bytes, 0));
  const curl::HeaderList headers = header_list(call);
  implementation_->prepare(call, headers, answering);

  struct Ended {
    explicit Ended(curl::Transfers& t) : transfers(t) { transfers.begin(); }
    ~Ended() { transfers.end(); }
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    curl::Transfers& transfers;
  };
  const Ended ended(transfers);
  constexpr int longest_wait_ms = 1'000;  // libcurl's own timers shorten it
  const auto code = transfers.run(stop, longest_wait_ms, [] { return false; });
  if (!code) fail(call, "given up, since the process stops");
  if (answering.too_large) fail(call, "the answer is over " + std::to_string(call.max_response_bytes) + " bytes");
  if (answering.head.is_too_large) fail(call, "the answer's headers are too large");
  if (*code != CURLE_OK) {
    const std::string reason = *code == CURLE_ABORTED_BY_CALLBACK ? "the connection ended before the answer" : transfers.reason(*code);
    if (implementation_->nothing_sent()) fail<NotSentError>(call, reason);
    fail<NoAnswerError>(call, reason);
  }
  return {answering.head.status, std::move(answering.body), std::move(answering.head.headers)};
}

}  // namespace tidemark
