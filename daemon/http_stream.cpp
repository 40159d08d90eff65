#include "daemon/http_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include "daemon/curl.hpp"
#include "daemon/file_stamp.hpp"
#include "daemon/http_url.hpp"
#include "daemon/log.hpp"

namespace tidemark {

namespace {

constexpr int longest_wait_ms = 1'000;  // libcurl's own timers shorten it
constexpr off_t max_cookie_bytes = 1024 * 1024;
// What is worth to be read only to keep a connection.
constexpr std::size_t short_rest_bytes = 64 * 1024;
constexpr auto short_rest_time = std::chrono::seconds(1);

}  // namespace

struct HttpStream::Implementation {
  explicit Implementation(HttpStreamSettings s) : settings(std::move(s)) {}

  static std::size_t take_body(char* data, std::size_t, std::size_t count, void* user) noexcept {
    try {
      static_cast<Implementation*>(user)->buffer.append(data, count);
      return count;
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }

  bool has_bytes() const { return taken < buffer.size(); }

  void start(HttpStreamRequest next) {
    request = std::move(next);
    const auto url = HttpUrl::parse(request.url);
    if (!url) throw TransientError("'" + redact_credentials(request.url) + "' is no URL of http or https");
    host = url->host;
    head = {};
    buffer.clear();
    taken = 0;
    result.reset();
    headers.emplace(request.headers);
    transfers.prepare(request.method, request.url, *headers, request.body, head);
    transfers.use(settings.tls, authorities_seconds());
    transfers.set(CURLOPT_USERAGENT, settings.user_agent.c_str());
    transfers.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    transfers.set(CURLOPT_WRITEFUNCTION, &take_body);
    transfers.set(CURLOPT_WRITEDATA, this);
    if (request.login) {
      transfers.set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      transfers.set(CURLOPT_USERNAME, request.login->user.c_str());
      transfers.set(CURLOPT_PASSWORD, request.login->password.c_str());
    }
    use_cookies();
    transfers.begin();
  }

  // How long authorities are kept in memory. A private one's file is short; a system's takes a while to read.
  long authorities_seconds() const {
    constexpr off_t short_bytes = 64 * 1024;
    const auto file = settings.tls.ca.empty() ? std::nullopt : FileStamp::of(settings.tls.ca);
    return file && file->size <= short_bytes ? 0 : 60;
  }

  // Line by line: libcurl before 8 forgets to free the name of a whole file (CURLOPT_COOKIEFILE) at the next reset.
  void use_cookies() {
    if (settings.cookie_file.empty()) return;
    const auto now = FileStamp::of(settings.cookie_file);
    if (now && cookies == now) return;
    std::ifstream file(settings.cookie_file);
    if (!now || !file || now->size > max_cookie_bytes) {
      throw TransientError("read the cookie file " + settings.cookie_file + ": " + (now && file ? "it is over 1 MiB" : std::strerror(errno)));
    }
    transfers.set(CURLOPT_COOKIELIST, "ALL");  // forgets them
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Set-Cookie:") && line.find("omain=") == std::string::npos) {
        throw TransientError("a cookie of " + settings.cookie_file + " names no domain, and would be sent to every host");
      }
      transfers.set(CURLOPT_COOKIELIST, line.c_str());
    }
    cookies = now;
  }

  template <typename Pause>
  void run(const std::stop_token& stop, Pause pause) {
    last_stop = stop;
    const auto code = transfers.run(stop, longest_wait_ms, pause);
    if (!code && stop.stop_requested()) throw TransientError("given up waiting for " + host);
    if (!code) return;
    result = code;
    transfers.end();
    if (*code != CURLE_OK) fail(*code);
  }

  [[noreturn]] void fail(CURLcode code) {
    const std::string reason = redact_credentials(transfers.reason(code));
    if (head.is_too_large) throw TransientError("the headers of " + host + "'s answer are too large");
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
        throw TransientError("look up " + host + ": there is no such name, or the name server does not answer");
      case CURLE_COULDNT_RESOLVE_PROXY:
        throw TransientError("look up the proxy for " + host + ": " + reason);
      case CURLE_COULDNT_CONNECT:
        throw TransientError("connect to " + host + ": " + reason);
      case CURLE_PEER_FAILED_VERIFICATION:
        throw CertificateError("the certificate of " + host + " is not trusted: " + reason);
      case CURLE_SSL_CACERT_BADFILE:
        throw CertificateError("the certificates of " + settings.tls.ca + " can't be used: " + reason);
      case CURLE_SSL_CERTPROBLEM:
        throw CertificateError("our certificate " + settings.tls.client_certificate + " can't be used: " + reason);
      case CURLE_SSL_CONNECT_ERROR:
        throw TransientError("begin TLS with " + host + ": " + reason);
      case CURLE_PARTIAL_FILE:
      case CURLE_RECV_ERROR:
      case CURLE_GOT_NOTHING:
        throw TransientError("receive from " + host + ": the connection ended before the answer did (" + reason + ")");
      default:
        throw TransientError("talk to " + host + ": " + reason);
    }
  }

  // An answer that goes on for longer would cost more than a new connection.
  void drain() {
    std::size_t dropped = 0;
    const auto until = std::chrono::steady_clock::now() + short_rest_time;
    constexpr int slice_ms = 20;
    const auto code = transfers.run(last_stop, slice_ms, [&] {
      dropped += buffer.size();
      buffer.clear();
      return dropped > short_rest_bytes || std::chrono::steady_clock::now() > until;
    });
    if (code) result = code;
  }

  HttpStreamSettings settings;
  HttpStreamRequest request;
  std::string host;
  curl::Head head;
  std::optional<curl::HeaderList> headers;
  std::string buffer;
  std::size_t taken = 0;             // of the buffer
  std::optional<CURLcode> result;    // of a transfer that ended
  std::optional<FileStamp> cookies;  // of the file that was read last
  std::stop_token last_stop;
  curl::Transfers transfers;  // last: it points to what is above
};

HttpStream::HttpStream(HttpStreamSettings settings) : implementation_(std::make_unique<Implementation>(std::move(settings))) {}
HttpStream::~HttpStream() = default;

HttpHead HttpStream::begin(HttpStreamRequest request, const std::stop_token& stop) {
  end();
  auto& self = *implementation_;
  try {
    self.start(std::move(request));
  } catch (const std::invalid_argument& error) {
    throw TransientError(error.what());
  }
  try {
    self.run(stop, [&] { return self.head.is_complete; });
  } catch (...) {
    self.transfers.end();
    throw;
  }
  return {self.head.status, self.head.headers};
}

std::size_t HttpStream::read(char* into, std::size_t size, const std::stop_token& stop) {
  auto& self = *implementation_;
  if (!self.has_bytes()) {
    self.buffer.clear();
    self.taken = 0;
    if (self.transfers.is_under_way()) self.run(stop, [&] { return self.has_bytes(); });
  }
  const std::size_t count = std::min(size, self.buffer.size() - self.taken);
  std::memcpy(into, self.buffer.data() + self.taken, count);
  self.taken += count;
  return count;
}

void HttpStream::end() noexcept {
  auto& self = *implementation_;
  try {
    if (self.transfers.is_under_way() && self.head.is_complete) self.drain();
  } catch (const std::exception&) {
    // It was only about keeping the connection.
  }
  self.transfers.end();
  self.buffer.clear();
  self.taken = 0;
}

}  // namespace tidemark
