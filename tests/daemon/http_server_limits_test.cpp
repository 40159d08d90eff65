#include <memory>
#include <thread>

#include "daemon/error.hpp"
#include "http_fixture.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;

TEST_CASE("an idle connection is closed after the idle timeout") {
  const HttpFixture fixture(HttpServer::Options{.idle_timeout = 50ms});
  RawClient client(fixture.server.port());
  CHECK(client.ask(get("/hello")).status == 200);
  CHECK(client.closed_by_peer(5s));
}

TEST_CASE("blocked handlers do not keep others waiting") {
  HttpFixture fixture;
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
  HttpFixture fixture(HttpServer::Options{.max_threads = 2});
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
  HttpFixture fixture(HttpServer::Options{.max_threads = 2, .read_timeout = 300ms});
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
  HttpFixture fixture(HttpServer::Options{.max_threads = 1});  // 8 connections
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(std::make_unique<RawClient>(fixture.server.port()));
  CHECK(fixture.ask("GET /hello").status == 200);
  CHECK(silent[0]->closed_by_peer());
}

TEST_CASE("a body that does not arrive in time is answered 400") {
  const HttpFixture fixture(HttpServer::Options{.read_timeout = 100ms});
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
  const HttpFixture fixture;
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
  HttpFixture fixture;
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
  HttpFixture fixture;
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
  for (const char* bad : {"", "9300", "localhost", "localhost:", "localhost:x", "localhost:-1", "localhost:65536", "::1:9300", "[::1]", "[x]:1",
                          "a b:1", "http://x:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(ListenAddress::parse(bad).has_value());
  }
  for (const char* loopback : {"127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1"}) CHECK(ListenAddress::parse(loopback)->is_loopback());
  for (const char* other : {":1", "0.0.0.0:1", "10.0.0.1:1", "[::]:1", "127.0.0.1.example.org:1"})
    CHECK_FALSE(ListenAddress::parse(other)->is_loopback());
}
