// One libcurl transfer at a time on a multi handle, which keeps the connections and, unlike the easy interface, can be woken to stop.
#include "daemon/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <mutex>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/log.hpp"

namespace tidemark {

namespace {

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// Handles of callbacks from C, which must not throw.
struct Transfer {
  HttpAnswer answer;
  std::size_t max_response_bytes = 0;
  bool too_large = false;
  bool at_most_once = false;
  bool begun = false;
};

// Called each time that the call is about to be sent.
int before_sending(void* user, char*, char*, int, int) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const bool again = std::exchange(transfer.begun, true);
  return again && transfer.at_most_once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

std::size_t take_body(char* data, std::size_t, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    transfer.too_large = count > transfer.max_response_bytes - transfer.answer.body.size();
    if (transfer.too_large) return 0;
    transfer.answer.body.append(data, count);
    return count;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::size_t take_header(char* data, std::size_t, std::size_t count, void* user) noexcept {
  auto& headers = static_cast<Transfer*>(user)->answer.headers;
  try {
    const std::string_view line(data, count);
    if (line.starts_with("HTTP/")) headers.clear();  // an interim answer came before
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return count;
    std::string name(trimmed(line.substr(0, colon)));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    headers[name] = trimmed(line.substr(colon + 1));
    return count;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

// A loopback address is never asked for through a proxy that the environment names.
bool is_loopback_url(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  char* host = nullptr;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return false;
  }
  const std::string name = host;
  curl_free(host);
  return name == "localhost" || name == "[::1]" || name.starts_with("127.");
}

template <typename Error = TransientError>
[[noreturn]] void fail(const HttpCall& call, std::string_view reason) {
  throw Error(call.method + " " + redact_credentials(call.url) + ": " + redact_credentials(reason));
}

HeaderList header_list(const HttpCall& call) {
  HeaderList list(nullptr, curl_slist_free_all);
  const auto append = [&](const std::string& line) {
    curl_slist* grown = curl_slist_append(list.get(), line.c_str());
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(grown);
  };
  append("Expect:");
  bool has_type = false;
  for (const auto& [name, value] : call.headers) {
    constexpr std::string_view line_ends("\r\n\0", 3);
    if (name.empty() || name.find_first_of(line_ends) != std::string::npos || value.find_first_of(line_ends) != std::string::npos) {
      fail(call, "a header's name or value holds a line break");
    }
    append(value.empty() ? name + ";" : name + ": " + value);
    has_type = has_type || name == "Content-Type" || name == "content-type";
  }
  if (!has_type) append("Content-Type:");  // libcurl's own would be that of a form
  return list;
}

}  // namespace

struct HttpClient::Implementation {
  explicit Implementation(TlsFiles files) : tls(std::move(files)) {
    static std::once_flag initialised;
    std::call_once(initialised, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    easy.reset(curl_easy_init());
    multi.reset(curl_multi_init());
    if (!easy || !multi) throw std::bad_alloc();
  }

  template <typename T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(easy.get(), option, value) != CURLE_OK) throw TransientError("libcurl refuses an option: is the library too old?");
  }

  void prepare(const HttpCall& call, curl_slist* headers, Transfer& transfer, char* error) {
    curl_easy_reset(easy.get());
    set(CURLOPT_ERRORBUFFER, error);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name lookup that was given up
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_URL, call.url.c_str());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(call.timeout.count(), 1)));
    set(CURLOPT_USERAGENT, "tidemark");
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);  // one transfer at a time gains nothing by streams
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, 30L);
    set(CURLOPT_TCP_KEEPINTVL, 10L);
    if (call.connect_timeout.count() > 0) set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.count()));
    if (call.accept_gzip) set(CURLOPT_ACCEPT_ENCODING, "gzip");
    if (is_loopback_url(call.url)) set(CURLOPT_PROXY, "");
    if (call.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (call.method != "GET" || !call.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      set(CURLOPT_POSTFIELDS, call.body.data());
    }
    set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_PREREQFUNCTION, &before_sending);
    set(CURLOPT_PREREQDATA, &transfer);
    prepare_tls();
  }

  void prepare_tls() {
    constexpr long authorities_seconds = 60;
    set(CURLOPT_CA_CACHE_TIMEOUT, authorities_seconds);
    if (!tls.ca.empty()) {
      set(CURLOPT_CAINFO, tls.ca.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // that file's alone
    }
    if (!tls.client_certificate.empty()) set(CURLOPT_SSLCERT, tls.client_certificate.c_str());
    if (!tls.client_key.empty()) set(CURLOPT_SSLKEY, tls.client_key.c_str());
  }

  bool nothing_sent() const {
    long bytes = 0;
    return curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes == 0;
  }

  // Nothing when `stop` came first.
  std::optional<CURLcode> run(const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi.get()); });
    int running = 1;
    while (!stop.stop_requested()) {
      if (const CURLMcode code = curl_multi_perform(multi.get(), &running); code != CURLM_OK) throw TransientError(curl_multi_strerror(code));
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
        if (message->msg == CURLMSG_DONE) return message->data.result;
      }
      constexpr int longest_wait_ms = 1'000;  // libcurl's own timers shorten it
      if (const CURLMcode code = curl_multi_poll(multi.get(), nullptr, 0, longest_wait_ms, nullptr); code != CURLM_OK) {
        throw TransientError(curl_multi_strerror(code));
      }
    }
    return std::nullopt;
  }

  TlsFiles tls;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{nullptr, curl_easy_cleanup};
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{nullptr, curl_multi_cleanup};
};

HttpClient::HttpClient(TlsFiles tls) : implementation_(std::make_unique<Implementation>(std::move(tls))) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::call(const HttpCall& call, std::stop_token stop) {
  const auto& easy = implementation_->easy;
  const auto& multi = implementation_->multi;
  Transfer transfer;
  transfer.at_most_once = call.at_most_once;
  transfer.max_response_bytes = static_cast<std::size_t>(std::max<std::int64_t>(call.max_response_bytes, 0));
  std::array<char, CURL_ERROR_SIZE> error{};
  const HeaderList headers = header_list(call);
  implementation_->prepare(call, headers.get(), transfer, error.data());

  struct Membership {  // of the easy handle in the multi handle
    Membership(CURLM* m, CURL* e) : multi(m), easy(e) { curl_multi_add_handle(multi, easy); }
    ~Membership() { curl_multi_remove_handle(multi, easy); }
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;
    CURLM* multi;
    CURL* easy;
  };
  const Membership membership(multi.get(), easy.get());
  const auto code = implementation_->run(stop);
  if (!code) fail(call, "given up, since the process stops");
  if (transfer.too_large) fail(call, "the answer is over " + std::to_string(call.max_response_bytes) + " bytes");
  if (*code != CURLE_OK) {
    std::string_view reason = error[0] != '\0' ? error.data() : curl_easy_strerror(*code);
    if (*code == CURLE_ABORTED_BY_CALLBACK) reason = "the connection ended before the answer";
    if (implementation_->nothing_sent()) fail<NotSentError>(call, reason);
    fail<NoAnswerError>(call, reason);
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.answer.status = static_cast<int>(status);
  return std::move(transfer.answer);
}

}  // namespace tidemark
