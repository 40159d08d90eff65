#include <doctest/doctest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "daemon/http_server.hpp"
#include "support/raw_client.hpp"

using namespace tidemark;
using namespace tidemark::testing;

namespace {

struct Fixture {
  explicit Fixture(HttpAccess access = {}, const std::string& host = "127.0.0.1")
      : server({host, 0}, HttpServer::Options{.access = std::move(access)}, log) {
    server.route("POST", "/api/v1/resync", [this](const HttpRequest&) {
      ++reached;
      return HttpResponse{};
    });
    server.start();
  }

  RawAnswer post(const std::string& headers, const std::string& target = "/api/v1/resync") {
    return RawClient(server.port()).ask("POST " + target + " HTTP/1.1\r\n" + headers + "\r\n");
  }
  int status(const std::string& headers) { return post(headers).status; }

  std::atomic<int> reached = 0;
  Log log{LogFormat::text, LogLevel::error};
  HttpServer server;
};

}  // namespace

TEST_CASE("a server on loopback answers to loopback names only, on any port") {
  Fixture fixture;
  for (const char* host : {"localhost", "LOCALHOST:9300", "127.0.0.1", "127.0.0.1:9300", "127.1.2.3", "[::1]:9300", "[::1]"}) {
    CAPTURE(host);
    CHECK(fixture.status(std::string("Host: ") + host + "\r\n") == 200);
  }
  const int reached = fixture.reached;
  for (const char* host :
       {"evil.example", "evil.example:9300", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "[::2]", "0.0.0.0"}) {
    CAPTURE(host);
    const auto answer = fixture.post(std::string("Host: ") + host + "\r\n");
    CHECK(answer.status == 403);
    CHECK(nlohmann::json::parse(answer.body)["type"] == "urn:tidemark:problem:foreign-host");
  }
  CHECK(fixture.status("") == 403);
  CHECK(fixture.reached == reached);
}

TEST_CASE("the authority of an absolute target counts, not the Host header beside it") {
  Fixture fixture;
  CHECK(fixture.post("Host: localhost\r\n", "http://evil.example/api/v1/resync").status == 403);
  CHECK(fixture.post("Host: localhost\r\n", "http://localhost/api/v1/resync").status == 200);
}

TEST_CASE("an allowed host matches with its port, or on every port when it names none") {
  Fixture fixture(HttpAccess{.allowed_hosts = {"search.example", "other.example:9300"}});
  CHECK(fixture.status("Host: search.example\r\n") == 200);
  CHECK(fixture.status("Host: Search.Example:8080\r\n") == 200);
  CHECK(fixture.status("Host: other.example:9300\r\n") == 200);
  CHECK(fixture.status("Host: other.example:9301\r\n") == 403);
  CHECK(fixture.status("Host: other.example\r\n") == 403);
}

TEST_CASE("on every address, the one that the peer connected to is a name of the server") {
  Fixture fixture({}, "");
  CHECK(fixture.status("Host: 127.0.0.1:80\r\n") == 200);
  CHECK(fixture.status("Host: 192.0.2.7\r\n") == 403);
  CHECK(fixture.status("Host: evil.example\r\n") == 403);
}

TEST_CASE("a page of another origin is refused, one of the server's own or of an allowed host is not") {
  Fixture fixture(HttpAccess{.allowed_hosts = {"search.example"}});
  const std::string host = "Host: localhost:9300\r\n";
  const auto answer = fixture.post(host + "Origin: https://evil.example\r\n");
  CHECK(answer.status == 403);
  CHECK(nlohmann::json::parse(answer.body)["type"] == "urn:tidemark:problem:foreign-origin");
  CHECK(fixture.status(host + "Origin: null\r\n") == 403);
  CHECK(fixture.status(host + "Origin: http://localhost:3000\r\n") == 403);
  CHECK(fixture.status(host + "Origin: http://localhost:9300\r\n") == 200);
  CHECK(fixture.status(host + "Origin: https://search.example\r\n") == 200);
}

TEST_CASE("no answer tells a browser that another origin may read it") {
  Fixture fixture;
  CHECK(fixture.post("Host: localhost\r\nOrigin: http://localhost\r\n").head.find("Access-Control") == std::string::npos);
}

TEST_CASE("the host check can be switched off") {
  Fixture fixture(HttpAccess{.check_host = false});
  CHECK(fixture.status("Host: anything.example\r\n") == 200);
}

TEST_CASE("with a bearer token every request must carry it") {
  Fixture fixture(HttpAccess{.bearer_token = [] { return std::optional<std::string>("s3%41cret+/="); }});
  const std::string host = "Host: localhost\r\n";
  const auto answer = fixture.post(host);
  CHECK(answer.status == 401);
  CHECK(answer.head.find("WWW-Authenticate: Bearer\r\n") != std::string::npos);
  CHECK(fixture.status(host + "Authorization: Bearer s3%41cret+/=\r\n") == 200);
  CHECK(fixture.status(host + "Authorization: bearer s3%41cret+/=\r\n") == 200);
  for (const char* wrong : {"Bearer", "Bearer ", "Bearer s3", "Bearer s3%41cret+/=x", "Bearer x3%41cret+/=", "Basic s3%41cret+/=", "s3%41cret+/="}) {
    CAPTURE(wrong);
    CHECK(fixture.status(host + "Authorization: " + wrong + "\r\n") == 401);
  }
}

TEST_CASE("who is not let in is told so before the body is read, and the connection ends") {
  Fixture fixture(HttpAccess{.bearer_token = [] { return std::optional<std::string>("token"); }});
  for (const std::string head : {"Host: evil.example\r\n", "Host: localhost\r\n"}) {
    RawClient client(fixture.server.port());
    client.send("POST /api/v1/resync HTTP/1.1\r\n" + head + "Content-Length: 1000\r\n\r\n");
    const auto answer = client.receive(false, std::chrono::seconds(2));
    CHECK((answer.status == 403 || answer.status == 401));
    CHECK(answer.head.find("Connection: close\r\n") != std::string::npos);
    CHECK(client.closed_by_peer());
  }
  CHECK(fixture.reached == 0);
}

TEST_CASE("a token that cannot be read lets nobody in") {
  Fixture fixture(HttpAccess{.bearer_token = [] { return std::optional<std::string>(); }});
  CHECK(fixture.status("Host: localhost\r\nAuthorization: Bearer \r\n") == 401);
  CHECK(fixture.status("Host: localhost\r\nAuthorization: Bearer x\r\n") == 401);
}
