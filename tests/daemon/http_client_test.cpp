#include "daemon/http_client.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/error.hpp"
#include "daemon/http_server.hpp"

using namespace tidemark;
using namespace std::chrono_literals;

namespace {

// Takes connections and never answers.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket_, 8) == 0);
    socklen_t size = sizeof address;
    REQUIRE(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~SilentServer() { close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  std::string url;

 private:
  int socket_;
};

struct Fixture {
  Fixture() : server({"127.0.0.1", 0}, {}, log) {
    const auto echo = [](const HttpRequest& request) {
      nlohmann::json seen{{"method", request.method}, {"headers", request.headers}, {"body", request.body}};
      return HttpResponse{202, seen.dump(), "application/json", {{"X-Answer", "yes"}}};
    };
    for (const char* method : {"GET", "POST", "PUT"}) server.route(method, "/echo", echo);
    server.route("GET", "/elsewhere", [](const HttpRequest&) { return HttpResponse{307, "", "", {{"Location", "/echo"}}}; });
    server.route("GET", "/large", [](const HttpRequest&) { return HttpResponse{200, std::string(100'000, 'x'), "text/plain", {}}; });
    server.start();
  }
  std::string url(const std::string& path) const { return "http://" + server.address() + path; }

  Log log{LogFormat::text, LogLevel::error};
  HttpServer server;
  HttpClient client;
};

}  // namespace

TEST_CASE("a call carries its method, headers and body and brings the answer's") {
  Fixture fixture;
  const auto answer =
      fixture.client.call({.url = fixture.url("/echo"), .headers = {{"Gitsync-Hash", "abc"}, {"Tidemark-Previous", ""}}, .body = "payload"});
  CHECK(answer.status == 202);
  CHECK(answer.headers.at("x-answer") == "yes");
  auto seen = nlohmann::json::parse(answer.body);
  CHECK(seen["method"] == "POST");
  CHECK(seen["body"] == "payload");
  CHECK(seen["headers"]["gitsync-hash"] == "abc");
}

TEST_CASE("a POST without a body says that its length is 0, and nothing of a form") {
  Fixture fixture;
  auto seen = nlohmann::json::parse(fixture.client.call({.url = fixture.url("/echo")}).body);
  CHECK(seen["headers"]["content-length"] == "0");
  CHECK_FALSE(seen["headers"].contains("content-type"));
  CHECK_FALSE(seen["headers"].contains("expect"));
}

TEST_CASE("any status is an answer, and a redirect is not followed") {
  Fixture fixture;
  CHECK(fixture.client.call({.method = "GET", .url = fixture.url("/nothing")}).status == 404);
  const auto answer = fixture.client.call({.method = "GET", .url = fixture.url("/elsewhere")});
  CHECK(answer.status == 307);
  CHECK(answer.headers.at("location") == "/echo");
}

TEST_CASE("an answer over the bound is a transient error") {
  Fixture fixture;
  CHECK(fixture.client.call({.method = "GET", .url = fixture.url("/large"), .max_response_bytes = 100'000}).body.size() == 100'000);
  CHECK_THROWS_AS(fixture.client.call({.method = "GET", .url = fixture.url("/large"), .max_response_bytes = 99'999}), TransientError);
}

TEST_CASE("a client is usable after a failure") {
  Fixture fixture;
  CHECK_THROWS_AS(fixture.client.call({.method = "GET", .url = fixture.url("/large"), .max_response_bytes = 1}), TransientError);
  CHECK(fixture.client.call({.method = "GET", .url = fixture.url("/echo")}).status == 202);
}

TEST_CASE("a refused connection is a transient error whose text has no credentials") {
  HttpClient client;
  std::string text;
  try {
    client.call({.url = "http://user:secret@127.0.0.1:1/hook"});
  } catch (const TransientError& error) {
    text = error.what();
  }
  CHECK(text.find("http://REDACTED@127.0.0.1:1/hook") != std::string::npos);
  CHECK(text.find("secret") == std::string::npos);
}

TEST_CASE("a peer that never answers is given up after the timeout") {
  const SilentServer server;
  HttpClient client;
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(client.call({.url = server.url, .timeout = 200ms}), TransientError);
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= 190ms);
  CHECK(took < 20s);
}

TEST_CASE("a stop ends a call at once") {
  const SilentServer server;
  HttpClient client;
  std::stop_source stop;
  std::chrono::steady_clock::time_point asked;
  std::jthread stopper([&] {
    asked = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  CHECK_THROWS_AS(client.call({.url = server.url, .timeout = 60s}, stop.get_token()), TransientError);
  const auto ended = std::chrono::steady_clock::now();
  stopper.join();
  CHECK(ended - asked < 5s);
}

TEST_CASE("only http and https are spoken") {
  HttpClient client;
  CHECK_THROWS_AS(client.call({.method = "GET", .url = "file:///etc/hostname"}), TransientError);
  CHECK_THROWS_AS(client.call({.method = "GET", .url = "ftp://127.0.0.1/x"}), TransientError);
  CHECK_THROWS_AS(client.call({.method = "GET", .url = ""}), TransientError);
}

TEST_CASE("a header with a line break is refused") {
  Fixture fixture;
  CHECK_THROWS_AS(fixture.client.call({.url = fixture.url("/echo"), .headers = {{"Tidemark-Ref", "a\r\nX-Forged: 1"}}}), TransientError);
}
