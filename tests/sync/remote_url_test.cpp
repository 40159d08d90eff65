#include "sync/remote/remote_url.hpp"

#include <doctest/doctest.h>

#include "daemon/error.hpp"

using tidemark::ConfigError;
using tidemark::sync::RemoteUrl;
using Transport = tidemark::sync::RemoteUrl::Transport;

TEST_CASE("a URL's password never stays in it, and is decoded") {
  const RemoteUrl url = RemoteUrl::parse("https://us%40er:p%3Aw%2F@example.com:8443/a/b.git");
  CHECK(url.transport == Transport::http);
  CHECK(url.url == "https://example.com:8443/a/b.git");
  CHECK(url.user == "us@er");
  CHECK(url.password == "p:w/");
  CHECK(url.host == "example.com");
  CHECK(url.port == 8443);
  CHECK(RemoteUrl::parse("https://token@example.com/x").user == "token");
  CHECK(RemoteUrl::parse("https://a:b@c:d@example.com/x").url == "https://example.com/x");
  CHECK(RemoteUrl::parse("ssh://git:secret@example.com/x").url == "ssh://git@example.com/x");
}

TEST_CASE("every form that git takes is understood") {
  CHECK(RemoteUrl::parse("http://h/x").port == 80);
  CHECK(RemoteUrl::parse("https://h/x").port == 443);
  CHECK(RemoteUrl::parse("git://h/x").port == 9418);
  CHECK(RemoteUrl::parse("ssh://git@h/x").port == 22);
  CHECK(RemoteUrl::parse("ssh://git@h:2222/x").port == 2222);
  CHECK(RemoteUrl::parse("ssh://git@[::1]:2222/x").host == "::1");
  CHECK(RemoteUrl::parse("ssh://git@[::1]:2222/x").port == 2222);
  const RemoteUrl scp = RemoteUrl::parse("git@example.com:a/b.git");
  CHECK(scp.transport == Transport::ssh);
  CHECK(scp.host == "example.com");
  CHECK(scp.port == 22);
  CHECK(scp.user == "git");
  CHECK(scp.url == "git@example.com:a/b.git");
  CHECK(RemoteUrl::parse("file:///srv/a%20b.git").path == "/srv/a b.git");
  CHECK(RemoteUrl::parse("/srv/a.git").path == "/srv/a.git");
  CHECK(RemoteUrl::parse("./a:b").transport == Transport::local);
  CHECK(RemoteUrl::parse("/a:b").transport == Transport::local);
}

TEST_CASE("what is no repository's address is a ConfigError without the secret") {
  for (const char* text : {"", "ftp://user:secret@h/x", "https://", "https:///x", "https://us er:secret@h/x", "ssh://git@:22/x", "http://h:port/x", "http://h:99999/x", "file://relative", "git@:x", "http://[::1/x",
                           "ext::sh -c x", "git://h/x\nhost=other", "https://h/\x7f", "ssh://h/x';touch y'", "git@h:x'y", "ssh://h/x%27y"}) {
    CAPTURE(text);
    try {
      RemoteUrl::parse(text);
      FAIL("accepted");
    } catch (const ConfigError& error) {
      CHECK(std::string(error.what()).find("secret") == std::string::npos);
    }
  }
}
