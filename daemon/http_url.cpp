#include "daemon/http_url.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <memory>

#include "daemon/curl.hpp"
#include "daemon/log.hpp"

namespace tidemark {

namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// "" for a part that is not there.
std::string part(const Handle& url, CURLUPart which, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

std::optional<HttpUrl> taken_apart(const Handle& url) {
  HttpUrl result;
  result.scheme = part(url, CURLUPART_SCHEME);
  if (result.scheme != "http" && result.scheme != "https") return std::nullopt;
  result.host = part(url, CURLUPART_HOST);
  std::ranges::transform(result.host, result.host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), result.port);
  result.path = part(url, CURLUPART_PATH);
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  result.text = part(url, CURLUPART_URL);
  if (result.host.empty() || result.text.empty()) return std::nullopt;
  return result;
}

}  // namespace

std::optional<HttpUrl> HttpUrl::resolve(const std::string& base, const std::string& reference) {
  const Handle url(curl_url(), curl_url_cleanup);
  for (const std::string* text : {&base, &reference}) {
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text->c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) return std::nullopt;
  }
  return taken_apart(url);
}

std::optional<HttpUrl> HttpUrl::parse(const std::string& text, User user) {
  const Handle url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), user == User::refused ? CURLU_DISALLOW_USER : 0) != CURLUE_OK) return std::nullopt;
  return taken_apart(url);
}

std::string told_url(std::string_view url) {
  const std::string told = redact_credentials(url);
  return told.substr(0, told.find_first_of("?#"));
}

bool HttpUrl::is_loopback() const { return host == "localhost" || host == "[::1]" || host.starts_with("127."); }

}  // namespace tidemark
