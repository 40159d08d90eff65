#include "daemon/http_server.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <thread>

#include "daemon/error.hpp"
#include "support/raw_client.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

// Where handlers wait until the test lets them go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  bool await_waiting(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return waiting_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

HttpResponse text(std::string body) { return {200, std::move(body), "text/plain", {}}; }

// Writes what a handler saw.
HttpResponse echo(const HttpRequest& request) {
  nlohmann::json seen{{"method", request.method}, {"path_bytes", std::vector<int>()}, {"body", request.body.size()}};
  for (const unsigned char c : request.path) seen["path_bytes"].push_back(c);
  for (const auto& [name, value] : request.query) seen["query"].push_back({name, value});
  return {200, seen.dump(), "application/json", {}};
}

struct Fixture {
  explicit Fixture(HttpServer::Options options = {}) : server({"127.0.0.1", 0}, std::move(options), log) {
    server.route("GET", "/hello", [](const HttpRequest&) { return text("hello"); });
    server.route("POST", "/echo", echo);
    server.route("GET", "/echo", echo);
    server.route("GET", "/files/*", echo);
    server.route("GET", "/files/special", [](const HttpRequest&) { return text("special"); });
    server.route("GET", "/throws", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("a secret reason"); });
    server.route("GET", "/blocks", [this](const HttpRequest&) {
      gate.wait();
      return text("released");
    });
    server.start();
  }
  ~Fixture() { gate.open(); }

  RawAnswer ask(const std::string& line, const std::string& headers = "", const std::string& body = "") const {
    return RawClient(server.port()).ask(line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body);
  }

  Gate gate;
  Log log{LogFormat::text, LogLevel::error};
  HttpServer server;
};

std::string type_of(const RawAnswer& answer) { return nlohmann::json::parse(answer.body)["type"]; }

std::string get(const std::string& path, const std::string& host = "localhost") { return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

}  // namespace

TEST_CASE("a route answers with its status, type and body") {
  const Fixture fixture;
  const auto answer = fixture.ask("GET /hello");
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  CHECK(answer.head.find("Content-Type: text/plain\r\n") != std::string::npos);
}

TEST_CASE("HEAD is answered as GET without the body") {
  const Fixture fixture;
  const auto answer = fixture.ask("HEAD /hello");
  CHECK(answer.status == 200);
  CHECK(answer.head.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(answer.body.empty());
}

TEST_CASE("an unknown path is 404, a known one under another method 405 with Allow") {
  const Fixture fixture;
  CHECK(fixture.ask("GET /nothing").status == 404);
  CHECK(fixture.ask("GET /files/").status == 404);
  CHECK(fixture.ask("GET /hello/").status == 404);
  const auto answer = fixture.ask("DELETE /echo");
  CHECK(answer.status == 405);
  CHECK(answer.head.find("Allow: GET, HEAD, POST\r\n") != std::string::npos);
  CHECK(type_of(answer) == "urn:tidemark:problem:method-not-allowed");
  CHECK(fixture.ask("OPTIONS /hello").status == 405);
  CHECK(fixture.ask("TRACE /hello").status == 405);
}

TEST_CASE("errors are problem details") {
  const Fixture fixture;
  const auto answer = fixture.ask("GET /nothing");
  CHECK(answer.head.find("Content-Type: application/problem+json\r\n") != std::string::npos);
  const auto body = nlohmann::json::parse(answer.body);
  CHECK(body["type"] == "urn:tidemark:problem:not-found");
  CHECK(body["status"] == 404);
  CHECK(body["title"] == "Not Found");
}

TEST_CASE("any byte may stand in a path") {
  const Fixture fixture;
  std::string escaped;
  std::vector<int> bytes;
  for (const char c : std::string("/files/")) bytes.push_back(c);
  for (int byte = 0; byte < 256; ++byte) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", byte);
    escaped += code;
    bytes.push_back(byte);
  }
  const auto answer = fixture.ask("GET /files/" + escaped);
  REQUIRE(answer.status == 200);
  CHECK(nlohmann::json::parse(answer.body)["path_bytes"].get<std::vector<int>>() == bytes);
  // Slashes and dots are bytes as well.
  CHECK(nlohmann::json::parse(fixture.ask("GET /files/a/../b%2Fc").body)["path_bytes"].size() == std::string("/files/a/../b/c").size());
}

TEST_CASE("the more exact route wins") {
  const Fixture fixture;
  CHECK(fixture.ask("GET /files/special").body == "special");
  CHECK(fixture.ask("GET /files/special2").body != "special");
}

TEST_CASE("query parameters are decoded, in order, repeated ones kept") {
  const Fixture fixture;
  const auto answer = fixture.ask("GET /echo?q=a+b%2B&tag=x&tag=%E8%A8%88&empty=&bare");
  CHECK(nlohmann::json::parse(answer.body)["query"] ==
        nlohmann::json::parse(R"([["q","a b+"],["tag","x"],["tag","計"],["empty",""],["bare",""]])"));
}

TEST_CASE("a broken escape is refused") {
  const Fixture fixture;
  CHECK(fixture.ask("GET /files/100%").status == 400);
  CHECK(fixture.ask("GET /files/%zz").status == 400);
  CHECK(fixture.ask("GET /echo?q=%4").status == 400);
}

TEST_CASE("a URI of nearly 8 KiB is served, a longer one answered 414") {
  const Fixture fixture;
  CHECK(fixture.ask("GET /files/" + std::string(8'100, 'a')).status == 200);
  const auto answer = fixture.ask("GET /files/" + std::string(8'300, 'a'));
  CHECK(answer.status == 414);
  CHECK(type_of(answer) == "urn:tidemark:problem:uri-too-long");
}

TEST_CASE("a head without an end is answered 431 and closed") {
  const Fixture fixture;
  RawClient client(fixture.server.port());
  client.send("GET /hello HTTP/1.1\r\nX: " + std::string(64 * 1024, 'a'));
  CHECK(client.receive().status == 431);
}

TEST_CASE("headers that make an expression's matcher recurse do no harm") {
  const Fixture fixture;
  CHECK(fixture.ask("GET /hello", "Range: bytes=" + std::string(8'100, '1') + "-\r\n").status != 0);
  std::string ranges = "Range: bytes=0-0";
  for (int i = 0; i < 1'500; ++i) ranges += ",0-0";
  CHECK(fixture.ask("GET /hello", ranges + "\r\n").status != 0);
  CHECK(fixture.ask("GET /hello").status == 200);
}

TEST_CASE("a range is not served: the whole answer is") {
  const Fixture fixture;
  const auto answer = fixture.ask("GET /hello", "Range: bytes=0-1\r\nAccept-Encoding: gzip, br\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
}

TEST_CASE("a body is read by its length and in chunks") {
  const Fixture fixture;
  CHECK(nlohmann::json::parse(fixture.ask("POST /echo", "Content-Length: 3\r\n", "abc").body)["body"] == 3);
  CHECK(nlohmann::json::parse(fixture.ask("POST /echo", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body)["body"] == 5);
}

TEST_CASE("a POST without a length has no body and does not wait for one") {
  const Fixture fixture;
  RawClient client(fixture.server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive(false, 5s).status == 200);
}

TEST_CASE("an oversized body is answered 413, announced or in chunks") {
  const Fixture fixture(HttpServer::Options{.max_body_bytes = 1'000});
  CHECK(fixture.ask("POST /echo", "Content-Length: 1000\r\n", std::string(1'000, 'x')).status == 200);
  const auto announced = fixture.ask("POST /echo", "Content-Length: 1001\r\n", std::string(1'001, 'x'));
  CHECK(announced.status == 413);
  CHECK(type_of(announced) == "urn:tidemark:problem:body-too-large");
  CHECK(fixture.ask("POST /echo", "Content-Length: 18446744073709551615\r\n").status == 413);
  std::string chunks;
  for (int i = 0; i < 20; ++i) chunks += "64\r\n" + std::string(100, 'x') + "\r\n";
  CHECK(fixture.ask("POST /echo", "Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n").status == 413);
}

TEST_CASE("what could be read as two different requests is refused") {
  const Fixture fixture;
  CHECK(fixture.ask("POST /echo", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd").status == 400);
  CHECK(fixture.ask("POST /echo", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n").status == 400);
  CHECK(fixture.ask("POST /echo", "Content-Length: x\r\n").status == 400);
  CHECK(fixture.ask("POST /echo", "Transfer-Encoding: gzip\r\n").status == 501);
  CHECK(fixture.ask("GET /hello", "Host: localhost\r\n").status == 400);
}

TEST_CASE("a compressed or multipart body is refused") {
  const Fixture fixture;
  CHECK(fixture.ask("POST /echo", "Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x").status == 415);
  CHECK(fixture.ask("POST /echo", "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1\r\n", "x").status == 415);
}

TEST_CASE("garbage is answered 400 and closed") {
  const Fixture fixture;
  RawClient client(fixture.server.port());
  CHECK(client.ask("\x01\x02 nonsense\r\n\r\n").status == 400);
  CHECK(client.closed_by_peer());
}

TEST_CASE("mutilated requests neither end nor stop the server") {
  const Fixture fixture(HttpServer::Options{.read_timeout = 200ms});
  const std::vector<std::string> seeds{
      "POST /echo?a=b&c=%41 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nabcde",
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
      "GET http://localhost/files/%E8%A8%88/a.md#x HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1,-5\r\nOrigin: http://localhost\r\nAccept-Encoding: gzip\r\n\r\n"};
  const std::vector<std::string> pieces{"\r\n", "\r\n\r\n", "%", "%00", ":", " ", "\t", std::string(1, '\0'), "\xff", "0", "-1", "99999999999999999999", "HTTP/1.0", std::string(3'000, 'a')};
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  for (int i = 0; i < 1'500; ++i) {
    std::string request = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(request.size());
      switch (below(3)) {
        case 0: request.erase(at, 1 + below(20)); break;
        case 1: request.insert(at, pieces[below(pieces.size())]); break;
        default: request[at] = static_cast<char>(below(256));
      }
      if (request.empty()) request = "x";
    }
    RawClient(fixture.server.port()).send(request);
  }
  CHECK(fixture.ask("GET /hello").body == "hello");
}

TEST_CASE("a connection serves several requests, sent one after the other or together") {
  const Fixture fixture;
  RawClient client(fixture.server.port());
  CHECK(client.ask(get("/hello")).body == "hello");
  CHECK(client.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab").status == 200);
  client.send(get("/hello") + "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab" + get("/files/special"));
  CHECK(client.receive().body == "hello");
  CHECK(nlohmann::json::parse(client.receive().body)["body"] == 2);
  CHECK(client.receive().body == "special");
}

TEST_CASE("Connection: close, HTTP/1.0 and a body where none belongs end the connection") {
  const Fixture fixture;
  for (const std::string request : {"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n",
                                    "GET /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n"}) {
    CAPTURE(request);
    RawClient client(fixture.server.port());
    CHECK(client.ask(request).status == 200);
    CHECK(client.closed_by_peer());
  }
}

TEST_CASE("an idle connection is closed after the idle timeout") {
  const Fixture fixture(HttpServer::Options{.idle_timeout = 50ms});
  RawClient client(fixture.server.port());
  CHECK(client.ask(get("/hello")).status == 200);
  CHECK(client.closed_by_peer(5s));
}

TEST_CASE("a handler that throws is a 500 that keeps its reason to the log") {
  const Fixture fixture;
  const auto answer = fixture.ask("GET /throws");
  CHECK(answer.status == 500);
  CHECK(answer.body.find("secret") == std::string::npos);
  CHECK(fixture.ask("GET /hello").status == 200);
}

TEST_CASE("blocked handlers do not keep others waiting") {
  Fixture fixture;
  std::vector<std::unique_ptr<RawClient>> blocked;
  for (int i = 0; i < 24; ++i) {
    blocked.push_back(std::make_unique<RawClient>(fixture.server.port()));
    blocked.back()->send(get("/blocks"));
  }
  REQUIRE(fixture.gate.await_waiting(24));
  CHECK(fixture.ask("GET /hello").body == "hello");
  fixture.gate.open();
  for (auto& client : blocked) CHECK(client->receive().body == "released");
}

TEST_CASE("threads are bounded, what comes on top waits, and more than that is refused") {
  Fixture fixture(HttpServer::Options{.max_threads = 2});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.server.port()));
    clients.back()->send(get("/blocks"));
  }
  REQUIRE(fixture.gate.await_waiting(2));
  for (int i = 0; i < 14; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.server.port()));
    clients.back()->send(get("/hello"));
  }
  // Two run and eight are queued; the rest are answered 503 at once.
  int refused = 0;
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (refused < 6 && std::chrono::steady_clock::now() < patience) {
    for (std::size_t i = 2; i < clients.size(); ++i) refused += clients[i]->receive(false, 10ms).status == 503 ? 1 : 0;
  }
  CHECK(refused == 6);
  fixture.gate.open();
  CHECK(clients[0]->receive().body == "released");
  CHECK(clients[1]->receive().body == "released");
}

TEST_CASE("peers that send nothing or only half a head hold no thread and are closed in time") {
  Fixture fixture(HttpServer::Options{.max_threads = 2, .read_timeout = 300ms});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 12; ++i) {
    slow.push_back(std::make_unique<RawClient>(fixture.server.port()));
    if (i % 2 == 0) slow.back()->send("GET /hello HTTP/1.1\r\nHost: loc");
  }
  CHECK(fixture.ask("GET /hello").status == 200);
  CHECK(slow[0]->receive().status == 408);
  CHECK(slow[1]->closed_by_peer());
}

TEST_CASE("at the limit of connections a silent one makes room") {
  Fixture fixture(HttpServer::Options{.max_threads = 1});  // 8 connections
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<RawClient>(fixture.server.port()));
  CHECK(fixture.ask("GET /hello").status == 200);
  CHECK(silent[0]->closed_by_peer());
}

TEST_CASE("a body that does not arrive in time is answered 400") {
  const Fixture fixture(HttpServer::Options{.read_timeout = 100ms});
  CHECK(fixture.ask("POST /echo", "Content-Length: 10\r\n", "abc").status == 400);
}

TEST_CASE("an answer larger than the socket's buffer arrives whole at a slow reader") {
  Log log(LogFormat::text, LogLevel::error);
  HttpServer server({"127.0.0.1", 0}, {}, log);
  server.route("GET", "/large", [](const HttpRequest&) { return text(std::string(20'000'000, 'x')); });
  server.start();
  RawClient client(server.port());
  CHECK(client.ask(get("/large")).body.size() == 20'000'000);
}

TEST_CASE("a port in use is a configuration error that names it") {
  const Fixture fixture;
  Log log(LogFormat::text, LogLevel::error);
  HttpServer second({"127.0.0.1", fixture.server.port()}, {}, log);
  const std::string expected = "cannot listen on 127.0.0.1:" + std::to_string(fixture.server.port()) +
                               ": address already in use (another process holds the port: stop it or choose another port)";
  CHECK_THROWS_WITH_AS(second.start(), expected.c_str(), ConfigError);
}

TEST_CASE("an address that is not this machine's is a configuration error") {
  Log log(LogFormat::text, LogLevel::error);
  CHECK_THROWS_AS(HttpServer({"192.0.2.1", 0}, {}, log).start(), ConfigError);
  CHECK_THROWS_AS(HttpServer({"no-such-host.invalid", 0}, {}, log).start(), ConfigError);
}

TEST_CASE("a stopped server's port can be bound again at once, though connections of it linger") {
  Log log(LogFormat::text, LogLevel::error);
  auto first = std::make_unique<HttpServer>(ListenAddress{"127.0.0.1", 0}, HttpServer::Options{}, log);
  first->start();
  const int port = first->port();
  RawClient client(port);
  CHECK(client.ask(get("/")).status == 404);
  first.reset();
  HttpServer second({"127.0.0.1", port}, {}, log);
  CHECK_NOTHROW(second.start());
}

TEST_CASE("stop lets a running handler end and answers it") {
  Fixture fixture;
  RawClient client(fixture.server.port());
  client.send(get("/blocks"));
  REQUIRE(fixture.gate.await_waiting(1));
  std::jthread stopper([&] { fixture.server.stop(); });
  fixture.gate.open();
  CHECK(client.receive().body == "released");
  stopper.join();
  fixture.server.stop();
}

TEST_CASE("stop does not wait for a body that does not come") {
  Fixture fixture;
  RawClient client(fixture.server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  const auto start = std::chrono::steady_clock::now();
  CHECK(fixture.ask("GET /hello").status == 200);
  fixture.server.stop();
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("every address takes IPv4 and IPv6") {
  Log log(LogFormat::text, LogLevel::error);
  HttpServer server({"", 0}, {}, log);
  server.route("GET", "/hello", [](const HttpRequest&) { return text("hello"); });
  server.start();
  RawClient client(server.port());
  CHECK(client.ask(get("/hello", "127.0.0.1")).body == "hello");
}

TEST_CASE("listen addresses are read as written") {
  CHECK(ListenAddress::parse("127.0.0.1:9300")->host == "127.0.0.1");
  CHECK(ListenAddress::parse("[::1]:9300")->host == "::1");
  CHECK(ListenAddress::parse(":9300")->host.empty());
  CHECK(ListenAddress::parse("localhost:0")->port == 0);
  for (const char* bad : {"", "9300", "localhost", "localhost:", "localhost:x", "localhost:-1", "localhost:65536", "::1:9300", "[::1]", "[x]:1", "a b:1", "http://x:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(ListenAddress::parse(bad).has_value());
  }
  for (const char* loopback : {"127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1"}) CHECK(ListenAddress::parse(loopback)->is_loopback());
  for (const char* other : {":1", "0.0.0.0:1", "10.0.0.1:1", "[::]:1", "127.0.0.1.example.org:1"}) CHECK_FALSE(ListenAddress::parse(other)->is_loopback());
}
