// URLs of http and https, taken apart and put together as libcurl, which sends the requests, reads them (RFC 3986).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

struct HttpUrl {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case, IPv6 in brackets
  int port = 0;        // the URL's or the scheme's
  std::string path;    // as written, at least "/"; without the query
  std::string text;    // the whole, without a fragment

  enum class User { refused, ignored };
  // Nothing for what is no such URL; a user in it stays in its text.
  static std::optional<HttpUrl> parse(const std::string& text, User user = User::refused);
  // What `reference`, absolute or relative, means on the page `base`. None has a user.
  static std::optional<HttpUrl> resolve(const std::string& base, const std::string& reference);

  bool is_loopback() const;
  bool has_origin_of(const HttpUrl& other) const { return scheme == other.scheme && host == other.host && port == other.port; }
};

// A URL as it may be told: without user, password and query, where secrets stand. Pure.
std::string told_url(std::string_view url);

}  // namespace tidemark
