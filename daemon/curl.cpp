#include "daemon/curl.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/http_url.hpp"

namespace tidemark::curl {

namespace {

constexpr std::size_t max_head_bytes = 256 * 1024;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// "HTTP/1.1 200 OK"
int status_of(std::string_view line) {
  const auto space = line.find(' ');
  int status = 0;
  if (space != std::string_view::npos) std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  return status;
}

void check_multi(CURLMcode code) {
  if (code != CURLM_OK) throw TransientError(curl_multi_strerror(code));
}

}  // namespace

HeaderList::HeaderList(const Headers& headers) {
  append("Expect:");
  bool has_type = false;
  for (const auto& [name, value] : headers) {
    constexpr std::string_view line_ends("\r\n\0", 3);
    if (name.empty() || name.find_first_of(line_ends) != std::string::npos || value.find_first_of(line_ends) != std::string::npos) {
      throw std::invalid_argument("a header's name or value holds a line break");
    }
    append(value.empty() ? name + ";" : name + ": " + value);
    has_type = has_type || name == "Content-Type" || name == "content-type";
  }
  if (!has_type) append("Content-Type:");  // libcurl's own would be that of a form
}

void HeaderList::append(const std::string& line) {
  curl_slist* grown = curl_slist_append(list_.get(), line.c_str());
  if (grown == nullptr) throw std::bad_alloc();
  static_cast<void>(list_.release());
  list_.reset(grown);
}

std::size_t Head::take(char* data, std::size_t, std::size_t count, void* head) noexcept {
  try {
    return static_cast<Head*>(head)->take_line({data, count}) ? count : 0;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

bool Head::take_line(std::string_view line) {
  bytes_ += line.size();
  is_too_large = bytes_ > max_head_bytes;
  if (is_too_large) return false;
  if (line.starts_with("HTTP/")) {
    headers.clear();
    status = status_of(line);
    return true;
  }
  if (trimmed(line).empty()) {
    is_complete = is_complete || status >= 200;
    return true;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || is_complete) return true;  // trailers say nothing that we ask for
  std::string name(trimmed(line.substr(0, colon)));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string& value = headers[name];
  const bool is_one_of_several = name == "www-authenticate" && !value.empty();
  value = (is_one_of_several ? value + ", " : "") + std::string(trimmed(line.substr(colon + 1)));
  return true;
}

Transfers::Transfers() {
  static std::once_flag initialised;
  std::call_once(initialised, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  easy_.reset(curl_easy_init());
  multi_.reset(curl_multi_init());
  if (!easy_ || !multi_) throw std::bad_alloc();
}

void Transfers::check_option(CURLcode code) {
  if (code != CURLE_OK) throw TransientError("libcurl refuses an option: is the library too old?");
}

void Transfers::prepare(const std::string& method, const std::string& url, const HeaderList& headers, std::string_view body, Head& head) {
  curl_easy_reset(easy());
  error_.front() = '\0';
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name lookup that was given up
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 30L);
  set(CURLOPT_TCP_KEEPINTVL, 10L);
  // A loopback address is never asked for through a proxy that the environment names.
  if (const auto parts = HttpUrl::parse(url, HttpUrl::User::ignored); parts && parts->is_loopback()) set(CURLOPT_PROXY, "");
  if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method != "GET" || !body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_POSTFIELDS, body.data());
  }
  set(CURLOPT_CUSTOMREQUEST, method.c_str());
  set(CURLOPT_HEADERFUNCTION, &Head::take);
  set(CURLOPT_HEADERDATA, &head);
}

void Transfers::use(const TlsFiles& files, long authorities_seconds) {
  set(CURLOPT_CA_CACHE_TIMEOUT, authorities_seconds);
  if (!files.ca.empty()) {
    set(CURLOPT_CAINFO, files.ca.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // that file's alone
  }
  if (!files.client_certificate.empty()) set(CURLOPT_SSLCERT, files.client_certificate.c_str());
  if (!files.client_key.empty()) set(CURLOPT_SSLKEY, files.client_key.c_str());
}

void Transfers::begin() {
  check_multi(curl_multi_add_handle(multi_.get(), easy()));
  is_under_way_ = true;
}

void Transfers::end() noexcept {
  if (std::exchange(is_under_way_, false)) curl_multi_remove_handle(multi_.get(), easy());
}

std::optional<CURLcode> Transfers::step() {
  int running = 1;
  check_multi(curl_multi_perform(multi_.get(), &running));
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return std::nullopt;
}

void Transfers::wait(int longest_ms) { check_multi(curl_multi_poll(multi_.get(), nullptr, 0, longest_ms, nullptr)); }

std::string Transfers::reason(CURLcode code) const {
  const std::string text = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code);
  long number = 0;
  if (code != CURLE_COULDNT_CONNECT || curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &number) != CURLE_OK || number == 0) return text;
  return text + " (" + std::strerror(static_cast<int>(number)) + ")";
}

}  // namespace tidemark::curl
