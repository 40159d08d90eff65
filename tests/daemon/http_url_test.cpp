// Expected results are those of RFC 3986, section 5.4, and of the schemes' default ports.
#include "daemon/http_url.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using tidemark::HttpUrl;

TEST_CASE("a URL is taken apart") {
  const auto url = HttpUrl::parse("HTTPS://Git.Example:8443/a/b.git?x=1#y");
  REQUIRE(url);
  CHECK(url->scheme == "https");
  CHECK(url->host == "git.example");
  CHECK(url->port == 8443);
  CHECK(url->path == "/a/b.git");
  CHECK(url->text.ends_with("/a/b.git?x=1"));
  CHECK(HttpUrl::parse("http://h")->port == 80);
  CHECK(HttpUrl::parse("http://h")->path == "/");
  CHECK(HttpUrl::parse("https://h/")->port == 443);
  CHECK(HttpUrl::parse("https://[::1]/")->host == "[::1]");
}

TEST_CASE("what is no URL of http or https, or has a user in it, is none") {
  for (const char* text : {"", "git.example/x", "file:///etc/passwd", "ssh://git@h/x", "ftp://h/", "http://", "http://h:99999/", "https://user@h/",
                           "https://user:secret@h/", "/x"}) {
    CAPTURE(text);
    CHECK_FALSE(HttpUrl::parse(text));
  }
}

TEST_CASE("the examples of RFC 3986 are resolved as it says") {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"g", "http://a/b/c/g"},     {"./g", "http://a/b/c/g"}, {"g/", "http://a/b/c/g/"}, {"/g", "http://a/g"},         {"//g", "http://g/"},
      {"g?y", "http://a/b/c/g?y"}, {"../g", "http://a/b/g"},  {"../../g", "http://a/g"}, {"../../../g", "http://a/g"}, {"https://g/", "https://g/"}};
  for (const auto& [reference, expected] : examples) {
    CAPTURE(reference);
    const auto url = HttpUrl::resolve("http://a/b/c/d;p?q", reference);
    REQUIRE(url);
    CHECK(url->text == expected);
  }
  for (const char* reference : {"ftp://g/", "file:///g", "mailto:g", "javascript:g", "http://user:secret@g/", "//user@g/"}) {
    CAPTURE(reference);
    CHECK_FALSE(HttpUrl::resolve("http://a/b/c/d;p?q", reference));
  }
}

TEST_CASE("an origin is scheme, host and port") {
  const auto origin = [](const char* text) { return *HttpUrl::parse(text); };
  CHECK(origin("https://H/a").has_origin_of(origin("https://h:443/b")));
  CHECK_FALSE(origin("https://h/").has_origin_of(origin("http://h/")));
  CHECK_FALSE(origin("https://h/").has_origin_of(origin("https://h:444/")));
  CHECK_FALSE(origin("https://h/").has_origin_of(origin("https://h.example/")));
  for (const char* text : {"http://127.0.0.1/", "http://localhost:80/", "http://[::1]/"}) CHECK(origin(text).is_loopback());
  CHECK_FALSE(origin("http://128.0.0.1/").is_loopback());
}

TEST_CASE("A URL is told without what may be secret in it") {
  CHECK(tidemark::told_url("https://user:word@host/path?token=x#part") == "https://REDACTED@host/path");
  CHECK(tidemark::told_url("https://host/path#part") == "https://host/path");
  CHECK(tidemark::told_url("http://host:80/") == "http://host:80/");
}
