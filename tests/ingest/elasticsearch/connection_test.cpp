// Requests over real connections to small real servers: nodes that fail, credentials that change, TLS, packing.
#include "ingest/elasticsearch/connection.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/credential.hpp"
#include "ingest/elasticsearch/nodes.hpp"
#include "support/certificates.hpp"
#include "support/echo_server.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::ingest::elasticsearch;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

std::string dead_url() { return "http://127.0.0.1:" + std::to_string(free_port()); }

nlohmann::json ask(Connection& connection, Request request = {.path = "/"}) {
  const auto response = connection.send(request);
  REQUIRE(response.status == 200);
  return nlohmann::json::parse(response.body);
}

// Whole or not at all, as Kubernetes changes the files of a Secret.
void put(const std::filesystem::path& file, const std::string& content) {
  const auto fresh = file.string() + ".new";
  std::ofstream(fresh) << content;
  std::filesystem::rename(fresh, file);
}

std::string text_of_failure(const auto& function) {
  try {
    function();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

ConnectionSettings with_urls(std::vector<std::string> urls) {
  ConnectionSettings settings;
  settings.urls = std::move(urls);
  return settings;
}

}  // namespace

TEST_CASE("a request carries its method, path, query, body and type; the answer its status and product") {
  const EchoServer server;
  Connection connection(with_urls({server.url("/prefix/")}));
  const auto seen = ask(connection, {.method = "POST", .path = "/docs/_bulk?refresh=true", .body = "{}\n"});
  CHECK(seen["method"] == "POST");
  CHECK(seen["path"] == "/prefix/docs/_bulk?refresh=true");
  CHECK(seen["body"] == "{}\n");
  CHECK(seen["headers"]["content-type"] == "application/x-ndjson");
  CHECK_FALSE(seen["headers"].contains("authorization"));
  CHECK(ask(connection, {.method = "PUT", .path = "/docs", .body = "{}"})["headers"]["content-type"] == "application/json");
  CHECK_FALSE(ask(connection)["headers"].contains("content-type"));
  CHECK(connection.send({.path = "/"}).elastic_product);
  const auto other = connection.send({.path = "/../status/503/7"});
  CHECK_FALSE(other.elastic_product);
}

TEST_CASE("every status but 401 is an answer, and says how long to wait when it knows") {
  const EchoServer server;
  Connection connection(with_urls({server.url()}));
  for (const int status : {200, 201, 400, 403, 404, 409, 413, 429, 500, 502, 503, 504}) {
    CHECK(connection.send({.path = "/status/" + std::to_string(status)}).status == status);
  }
  CHECK(connection.send({.path = "/status/429/7"}).retry_after == 7s);
  CHECK(connection.send({.path = "/status/429/soon"}).retry_after == 0s);
  CHECK(connection.send({.path = "/status/429/-3"}).retry_after == 0s);
  CHECK(connection.send({.path = "/status/429/99999999"}).retry_after == 1h);
}

TEST_CASE("of two nodes of which one is down every request reaches the other") {
  const EchoServer server;
  for (const auto& urls : {std::vector{dead_url(), server.url()}, std::vector{server.url(), dead_url()}}) {
    Connection connection(with_urls(urls));
    for (int request = 0; request < 5; ++request) CHECK(connection.send({.method = "POST", .path = "/", .body = "x"}).status == 200);
  }
}

TEST_CASE("nodes that answer take turns") {
  const EchoServer first;
  const EchoServer second;
  Connection connection(with_urls({first.url(), second.url()}));
  for (int request = 0; request < 6; ++request) ask(connection);
  CHECK(ask(connection)["requests"] == 4);
  CHECK(ask(connection)["requests"] == 4);
}

TEST_CASE("a cluster of which no node can be reached is a transient error that names each") {
  const auto first = dead_url();
  const auto second = dead_url();
  Connection connection(with_urls({first, second}));
  CHECK_THROWS_AS(connection.send({.path = "/"}), TransientError);
  const auto text = text_of_failure([&] { connection.send({.path = "/"}); });
  CHECK(text.find(first + "/: ") != std::string::npos);
  CHECK(text.find(second + "/: ") != std::string::npos);
}

TEST_CASE("a cluster that comes back is used at once, however long it was away") {
  const auto port = free_port();
  Connection connection(with_urls({"http://127.0.0.1:" + std::to_string(port)}));
  for (int failure = 0; failure < 5; ++failure) CHECK_THROWS_AS(connection.send({.path = "/"}), TransientError);
  const EchoServer server({"--port", std::to_string(port)});
  CHECK(connection.send({.path = "/"}).status == 200);
}

TEST_CASE("a request that may have reached a node is not made again at another") {
  const EchoServer first;
  const EchoServer second;
  Connection connection(with_urls({first.url(), second.url()}));
  CHECK_THROWS_AS(connection.send({.method = "POST", .path = "/silent/", .body = "x", .timeout = 300ms}), TransientError);
  CHECK(ask(connection)["requests"] == 1);  // the second's first, while the first is left out
}

TEST_CASE("on a kept connection that turns out to be closed a search is sent again, a write is not") {
  const EchoServer server;
  Connection connection(with_urls({server.url()}));
  const auto send = [&](std::string path) { return connection.send({.method = "POST", .path = std::move(path), .body = "{}"}).status; };
  CHECK(send("/") == 200);
  SUBCASE("a search") { CHECK(send("/close-before/_search?pit") == 200); }
  SUBCASE("an analysis") { CHECK(send("/close-before/_analyze") == 200); }
  SUBCASE("a bulk") { CHECK_THROWS_AS(send("/close-before/_bulk"), TransientError); }
  SUBCASE("an update") { CHECK_THROWS_AS(send("/close-before/_update_by_query"), TransientError); }
}

TEST_CASE("an answer over its bound is a transient error, and no fault of the node") {
  const EchoServer first;
  const EchoServer second;
  Connection connection(with_urls({first.url(), second.url()}));
  CHECK_THROWS_AS(connection.send({.path = "/gzip/1001", .max_response_bytes = 1000}), TransientError);
  ask(connection);
  CHECK(ask(connection)["requests"] == 2);
}

TEST_CASE("a stop ends a request") {
  const EchoServer server;
  Connection connection(with_urls({server.url()}));
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK_THROWS_AS(connection.send({.path = "/silent/"}, stop.get_token()), TransientError);
}

TEST_CASE("each way to log in has its header") {
  const TemporaryDirectory folder;
  put(folder / "secret", "s3cret:with colon\n");
  put(folder / "key", "aWQ6a2V5\n");
  const EchoServer server;
  auto settings = with_urls({server.url()});
  const auto header = [&] { return ask(*std::make_unique<Connection>(settings))["headers"]["authorization"].get<std::string>(); };
  SUBCASE("user and password of a file") {
    settings.username = "tidemark";
    settings.password_file = folder / "secret";
    CHECK(header() == "Basic dGlkZW1hcms6czNjcmV0OndpdGggY29sb24=");  // printf 'tidemark:s3cret:with colon' | base64
  }
  SUBCASE("user and password of the environment, over bytes that the URL alphabet writes otherwise") {
    settings.username = "u";
    settings.password = "~~>>??\xff";
    CHECK(header() == "Basic dTp+fj4+Pz//");  // printf 'u:~~>>??\xff' | base64
  }
  SUBCASE("API key") {
    settings.api_key_file = folder / "key";
    CHECK(header() == "ApiKey aWQ6a2V5");
  }
  SUBCASE("API key as its two parts") {
    settings.api_key = "id:key";
    CHECK(header() == "ApiKey aWQ6a2V5");  // printf id:key | base64
  }
  SUBCASE("token") {
    settings.bearer_token = "abc";
    CHECK(header() == "Bearer abc");
  }
}

TEST_CASE("a 401 has the file read again, and a changed secret is used from then on") {
  const TemporaryDirectory folder;
  put(folder / "key", "old\n");
  put(folder / "accepted", "ApiKey old");
  const EchoServer server({"--accept-file", (folder / "accepted").string()});
  auto settings = with_urls({server.url()});
  settings.api_key_file = folder / "key";
  Connection connection(settings);
  CHECK(ask(connection)["requests"] == 1);
  put(folder / "key", "new\n");
  CHECK(ask(connection)["requests"] == 2);
  put(folder / "accepted", "ApiKey new");
  CHECK(ask(connection)["requests"] == 4);
  CHECK(ask(connection)["requests"] == 5);
}

TEST_CASE("a 401 with the secret that the file still holds stalls, and the text says which file but not what is in it") {
  const TemporaryDirectory folder;
  put(folder / "password", "wr0ng\n");
  const EchoServer server({"--accept", "Basic eA=="});
  auto settings = with_urls({server.url()});
  settings.username = "tidemark";
  settings.password_file = folder / "password";
  Connection connection(settings);
  CHECK_THROWS_AS(connection.send({.path = "/"}), StalledError);
  const auto text = text_of_failure([&] { connection.send({.path = "/"}); });
  CHECK(text.find((folder / "password").string()) != std::string::npos);
  CHECK(text.find("'tidemark'") != std::string::npos);
  CHECK(text.find("wr0ng") == std::string::npos);
  CHECK(text.find("Basic") == std::string::npos);
}

TEST_CASE("a 401 without any credentials says how to give some") {
  const EchoServer server({"--accept", "Basic eA=="});
  Connection connection(with_urls({server.url()}));
  CHECK_THROWS_WITH_AS(connection.send({.path = "/"}), doctest::Contains("--engine-username"), StalledError);
}

TEST_CASE("a file that is gone at a 401 is a transient error: its successor may be on its way") {
  const TemporaryDirectory folder;
  put(folder / "key", "old\n");
  const EchoServer server({"--accept", "ApiKey new"});
  auto settings = with_urls({server.url()});
  settings.api_key_file = folder / "key";
  Connection connection(settings);
  std::filesystem::remove(folder / "key");
  CHECK_THROWS_AS(connection.send({.path = "/"}), TransientError);
  put(folder / "key", "new");
  CHECK(connection.send({.path = "/"}).status == 200);
}

TEST_CASE("many threads that are refused at once read a changed file once") {
  const TemporaryDirectory folder;
  put(folder / "key", "first\n");
  ConnectionSettings settings;
  settings.api_key_file = folder / "key";
  Credential credential(settings);
  const auto refused = credential.current();
  put(folder / "key", "second\n");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { static_cast<void>(credential.renewed(refused)); });
  }
  CHECK(credential.current().version == refused.version + 1);
  put(folder / "key", "third\n");
  CHECK(credential.renewed(refused)->header == "ApiKey second");  // whoever comes late is given what the others have read
  CHECK(credential.renewed(credential.current())->header == "ApiKey third");
  CHECK_FALSE(credential.renewed(credential.current()));
}

TEST_CASE("many requests at once survive a rotation, each with one more try at most") {
  const TemporaryDirectory folder;
  put(folder / "key", "old\n");
  put(folder / "accepted", "ApiKey old");
  const EchoServer server({"--accept-file", (folder / "accepted").string()});
  auto settings = with_urls({server.url()});
  settings.api_key_file = folder / "key";
  Connection connection(settings);
  put(folder / "key", "new\n");
  put(folder / "accepted", "ApiKey new");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { CHECK(connection.send({.path = "/"}).status == 200); });
  }
  CHECK(ask(connection)["requests"] <= 17);
}

TEST_CASE("TLS: a private authority, a wrong one, and a client's certificate") {
  const TemporaryDirectory folder;
  const CertificateAuthority authority(folder.path(), "authority");
  const CertificateAuthority stranger(folder.path(), "stranger");
  const auto certificate = authority.issue("server");
  const auto client = authority.issue("client");
  const EchoServer server(
      {"--certificate", certificate.certificate.string(), "--key", certificate.key.string(), "--client-ca", authority.file().string()});
  auto settings = with_urls({server.url("", "https")});
  settings.ca_file = authority.file();
  settings.client_certificate_file = client.certificate;
  settings.client_key_file = client.key;
  CHECK(Connection(settings).send({.path = "/"}).status == 200);
  SUBCASE("wrong authority") { settings.ca_file = stranger.file(); }
  SUBCASE("the system's authorities") { settings.ca_file.clear(); }
  SUBCASE("no certificate of ours") {
    settings.client_certificate_file.clear();
    settings.client_key_file.clear();
  }
  SUBCASE("a foreign certificate") {
    const auto foreign = stranger.issue("foreign");
    settings.client_certificate_file = foreign.certificate;
    settings.client_key_file = foreign.key;
  }
  SUBCASE("an expired certificate") {
    const auto late = authority.issue("late", CertificateAuthority::Validity::expired);
    settings.client_certificate_file = late.certificate;
    settings.client_key_file = late.key;
  }
  SUBCASE("another certificate's key") { settings.client_key_file = certificate.key; }
  Connection connection(settings);
  CHECK_THROWS_AS(connection.send({.path = "/"}), TransientError);
}

TEST_CASE("files of TLS that can't be used are refused at start, all at once") {
  const TemporaryDirectory folder;
  put(folder / "text", "no certificate");
  auto settings = with_urls({"https://127.0.0.1:1"});
  settings.ca_file = folder / "absent";
  settings.client_certificate_file = folder / "text";
  settings.client_key_file = folder.path();
  try {
    const Connection connection(settings);
    FAIL("no error");
  } catch (const ConfigError& error) {
    CHECK(error.problems().size() == 3);
  }
}

TEST_CASE("a secret that can't be read is refused at start") {
  auto settings = with_urls({"http://127.0.0.1:1"});
  settings.api_key_file = "/absent/key";
  CHECK_THROWS_WITH_AS(Connection{settings}, doctest::Contains("/absent/key"), ConfigError);
}

TEST_CASE("packing: long bodies and answers when asked for, short ones and by default none") {
  const EchoServer server;
  auto settings = with_urls({server.url()});
  const std::string body(10'000, 'a');
  CHECK(ask(*std::make_unique<Connection>(settings), {.method = "POST", .path = "/", .body = body})["body_bytes"] == 10'000);
  settings.compress = true;
  Connection connection(settings);
  const auto packed = ask(connection, {.method = "POST", .path = "/_bulk", .body = body});
  CHECK(packed["headers"]["content-encoding"] == "gzip");
  CHECK(packed["headers"]["accept-encoding"] == "gzip");
  CHECK(packed["body"] == body);
  CHECK(packed["body_bytes"] < 100);
  CHECK(ask(connection, {.method = "POST", .path = "/", .body = "short"})["body_bytes"] == 5);
  CHECK(connection.send({.path = "/gzip/5000"}).body == std::string(5'000, 'x'));
}

TEST_CASE("settings that can't work are named by their flags") {
  const auto one = [](auto change) {
    auto settings = with_urls({"https://host:9200"});
    change(settings);
    const auto problems = problems_of(settings);
    return problems.size() == 1 ? problems.front() : std::to_string(problems.size()) + " problems";
  };
  CHECK(problems_of(with_urls({"https://host:9200", "http://[::1]:9200/prefix", "https://10.0.0.1"})).empty());
  for (const auto* url :
       {"host:9200", "ftp://host", "https://", "https://:9200", "https://host:0", "https://host:65536", "https://host:x",
        "https://host:", "https://host?a=b", "https://host/#a", "https://ho st", "https://[::1", "https://[]:9200", "https://h\xc3\xb6st"}) {
    CAPTURE(url);
    CHECK(one([&](auto& s) { s.urls = {url}; }).find("--engine") == 0);
  }
  const auto credentials = one([](auto& s) { s.urls = {"https://elastic:hunter2@host:9200"}; });
  CHECK(credentials.find("--engine-password-file") != std::string::npos);
  CHECK(credentials.find("hunter2") == std::string::npos);
  CHECK(one([](auto& s) { s.urls.clear(); }).find("--engine") != std::string::npos);
  CHECK(one([](auto& s) { s.username = "u"; }).find("--engine-password-file") != std::string::npos);
  CHECK(one([](auto& s) { s.password_file = "f"; }).find("--engine-username") != std::string::npos);
  CHECK(one([](auto& s) { s.api_key_file = s.bearer_token_file = "f"; }).find("more than one way") != std::string::npos);
  CHECK(one([](auto& s) { s.api_key_file = s.api_key = "f"; }).find("exclude each other") != std::string::npos);
  CHECK(one([](auto& s) { s.client_key_file = "f"; }).find("--engine-client-cert-file") != std::string::npos);
  CHECK(one([](auto& s) { s.urls = {"http://h"}, s.ca_file = "f"; }).find("--engine-ca-file") != std::string::npos);
  CHECK(one([](auto& s) { s.timeout = 0ms; }).find("--engine-timeout") != std::string::npos);
}

TEST_CASE("which node is asked: turns, a growing time out, and the one that failed longest ago when all are out") {
  using Order = std::vector<std::size_t>;
  const auto start = Nodes::Clock::time_point{} + 1h;
  Nodes nodes(3, {.first = 2s, .limit = 8s});
  CHECK(nodes.order(start, 0) == Order{0, 1, 2});
  CHECK(nodes.order(start, 0) == Order{1, 2, 0});
  CHECK(nodes.order(start, 0) == Order{2, 0, 1});
  nodes.failed(1, start, 0);  // out for 1 s: the lower half of 2 s
  CHECK(nodes.order(start, 0) == Order{0, 2, 1});
  CHECK(nodes.order(start + 999ms, 0) == Order{2, 0, 1});
  CHECK(nodes.order(start + 999ms, 0) == Order{2, 0, 1});
  CHECK(nodes.order(start + 1s, 0) == Order{0, 1, 2});  // its time is over: this one request tries it
  CHECK(nodes.order(start + 1s, 0) == Order{2, 0, 1});  // the others do not, until it has answered
  nodes.failed(1, start + 1s, 0);                       // out for 2 s
  nodes.failed(0, start + 2s, 0);
  nodes.failed(2, start + 2500ms, 0);
  CHECK(nodes.order(start + 2600ms, 0) == Order{1, 0, 2});
  CHECK(nodes.order(start + 2600ms, 0) == Order{1, 0, 2});
  nodes.answered(2);
  CHECK(nodes.order(start + 2600ms, 0).front() == 2);
}
