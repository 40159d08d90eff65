// Answers read piece by piece, from a server with known answers and from peers that misbehave byte by byte.
#include "daemon/http_stream.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "support/echo_server.hpp"
#include "support/loopback_listener.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

std::string rest(HttpStream& stream) {
  std::string all;
  char buffer[1000];
  while (const std::size_t count = stream.read(buffer, sizeof buffer, {})) all.append(buffer, count);
  return all;
}

nlohmann::json ask(HttpStream& stream, HttpStreamRequest request) {
  REQUIRE(stream.begin(std::move(request), {}).status == 200);
  return nlohmann::json::parse(rest(stream));
}

// Says these bytes to the one who connects, then nothing, or closes.
class RawPeer {
 public:
  enum class Then { waits, closes };
  explicit RawPeer(std::string bytes, Then then = Then::waits) {
    thread_ = std::thread([this, said = std::move(bytes), then] {
      const int peer = accept(listener_.descriptor(), nullptr, nullptr);
      for (std::size_t at = 0; at < said.size();) {
        const ssize_t count = send(peer, said.data() + at, said.size() - at, MSG_NOSIGNAL);
        if (count <= 0) break;
        at += static_cast<std::size_t>(count);
      }
      char byte = 0;
      if (then == Then::waits) {
        while (recv(peer, &byte, 1, 0) > 0) {
        }
      } else {
        recv(peer, &byte, 1, 0);
      }
      close(peer);
    });
  }
  ~RawPeer() {
    shutdown(listener_.descriptor(), SHUT_RDWR);
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()) + "/"; }

 private:
  LoopbackListener listener_{4};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a large answer arrives whole, in pieces as small as asked for") {
  const EchoServer server;
  HttpStream stream({});
  CHECK(stream.begin({.url = server.url("/gzip/5000000")}, {}).status == 200);
  CHECK(rest(stream) == std::string(5'000'000, 'x'));
  char byte = 0;
  CHECK(stream.read(&byte, 1, {}) == 0);
}

TEST_CASE("method, headers, body, login and our name are sent") {
  const EchoServer server;
  HttpStream stream({.user_agent = "somebody/1"});
  const auto seen =
      ask(stream,
          {.method = "POST", .url = server.url("/p?q=1"), .headers = {{"X-One", "1"}}, .body = "abc", .login = HttpLogin{"Aladdin", "open sesame"}});
  CHECK(seen["method"] == "POST");
  CHECK(seen["path"] == "/p?q=1");
  CHECK(seen["body"] == "abc");
  CHECK(seen["headers"]["x-one"] == "1");
  CHECK(seen["headers"]["user-agent"] == "somebody/1");
  CHECK(seen["headers"]["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617's own example
  CHECK_FALSE(ask(stream, {.url = server.url("/")})["headers"].contains("authorization"));
}

TEST_CASE("a connection is kept, also when the short rest of an answer was not read, and not when it is long") {
  const EchoServer server;
  HttpStream stream({});
  CHECK(ask(stream, {.url = server.url("/")})["connection"] == 1);
  stream.begin({.url = server.url("/gzip/1000")}, {});
  CHECK(ask(stream, {.url = server.url("/")})["connection"] == 1);
  stream.begin({.url = server.url("/gzip/50000000")}, {});
  CHECK(ask(stream, {.url = server.url("/")})["connection"] == 2);
}

TEST_CASE("redirects and errors are answers") {
  const EchoServer server({"--accept", "nothing"});
  HttpStream stream({});
  const HttpHead head = stream.begin({.url = server.url("/")}, {});
  CHECK(head.status == 401);
  CHECK(head.headers.at("www-authenticate") == "Basic");
}

TEST_CASE("an answer that is cut off is an error, at its head and in its body") {
  const EchoServer server;
  HttpStream stream({});
  const auto read_all = [&](const std::string& url) {
    stream.begin({.url = url}, {});
    rest(stream);
  };
  CHECK_THROWS_WITH_AS(read_all(server.url("/cut/")), doctest::Contains("ended before the answer did"), TransientError);
  const RawPeer peer("HTTP/1.1 200 OK\r\nContent-", RawPeer::Then::closes);
  CHECK_THROWS_AS(read_all(peer.url()), TransientError);
  CHECK_THROWS_WITH_AS(read_all("http://127.0.0.1:1/"), doctest::Contains("connect to 127.0.0.1"), TransientError);
  CHECK_THROWS_WITH_AS(read_all("http://host.invalid/"), doctest::Contains("look up host.invalid"), TransientError);
  CHECK_THROWS_WITH_AS(read_all("file:///etc/passwd"), doctest::Contains("no URL of http"), TransientError);
  CHECK(ask(stream, {.url = server.url("/")})["method"] == "GET");
}

TEST_CASE("headers without end are given up") {
  std::string headers = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i) headers += "X-" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n";
  const RawPeer many(headers);
  HttpStream stream({});
  CHECK_THROWS_WITH_AS(stream.begin({.url = many.url()}, {}), doctest::Contains("headers"), TransientError);
  const RawPeer long_one("HTTP/1.1 200 OK\r\nX: " + std::string(10'000'000, 'x'));
  CHECK_THROWS_AS(stream.begin({.url = long_one.url()}, {}), TransientError);
}

TEST_CASE("interim answers are passed over, and of several challenges all are given") {
  const RawPeer peer(
      "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 401 No\r\nWWW-Authenticate: "
      "Bearer\r\nwww-authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
  HttpStream stream({});
  const HttpHead head = stream.begin({.url = peer.url()}, {});
  CHECK(head.status == 401);
  CHECK(head.headers.at("www-authenticate") == "Bearer, Basic");
  CHECK_FALSE(head.headers.contains("x-interim"));
}

TEST_CASE("a stop ends the wait for a head and for a body at once") {
  for (const char* said : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}) {
    CAPTURE(said);
    const RawPeer peer(said);
    HttpStream stream({});
    std::stop_source stop;
    std::thread stopper;
    std::chrono::steady_clock::time_point asked;
    const auto read_all = [&] {
      if (*said == '\0') stopper = std::thread([&] { asked = std::chrono::steady_clock::now(), stop.request_stop(); });
      stream.begin({.url = peer.url()}, stop.get_token());
      char buffer[100];
      CHECK(stream.read(buffer, sizeof buffer, stop.get_token()) == 4);
      stopper = std::thread([&] { asked = std::chrono::steady_clock::now(), stop.request_stop(); });
      stream.read(buffer, sizeof buffer, stop.get_token());
    };
    CHECK_THROWS_WITH_AS(read_all(), doctest::Contains("given up waiting for 127.0.0.1"), TransientError);
    stopper.join();
    CHECK(std::chrono::steady_clock::now() - asked < 1s);
  }
}

TEST_CASE("cookies are sent to their host, and read again when the file has changed") {
  const TemporaryDirectory folder;
  const EchoServer server;
  const std::string file = (folder / "cookies").string();
  const auto write = [&](const std::string& lines) {
    std::ofstream(file + ".new") << "# Netscape HTTP Cookie File\n" << lines;
    std::filesystem::rename(file + ".new", file);
  };
  HttpStream stream({.cookie_file = file});
  CHECK_THROWS_WITH_AS(stream.begin({.url = server.url("/")}, {}), doctest::Contains(file.c_str()), TransientError);
  write("127.0.0.1\tFALSE\t/\tFALSE\t0\to\tfirst\n.example.com\tTRUE\t/\tFALSE\t0\tp\tforeign\n");
  CHECK(ask(stream, {.url = server.url("/")})["headers"]["cookie"] == "o=first");
  CHECK(ask(stream, {.url = server.url("/")})["headers"]["cookie"] == "o=first");
  write("# a comment\n\nnonsense\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t2147483647\tq\tsecond\n");
  CHECK(ask(stream, {.url = server.url("/")})["headers"]["cookie"] == "q=second");
  write("Set-Cookie: r=third; domain=127.0.0.1; path=/\n");
  CHECK(ask(stream, {.url = server.url("/")})["headers"]["cookie"] == "r=third");
  write("Set-Cookie: r=fourth\n");
  CHECK_THROWS_WITH_AS(stream.begin({.url = server.url("/")}, {}), doctest::Contains("names no domain"), TransientError);
}
