// The client towards servers with certificates, packed bodies, and peers that fail at a certain point.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/gzip.hpp"
#include "daemon/http_client.hpp"
#include "support/certificates.hpp"
#include "support/command.hpp"
#include "support/echo_server.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

struct TlsFixture {
  TemporaryDirectory folder;
  CertificateAuthority authority{folder.path(), "authority"};
  CertificateAuthority stranger{folder.path(), "stranger"};
  Certificate server_certificate = authority.issue("server");

  EchoServer start(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--certificate", server_certificate.certificate.string(), "--key", server_certificate.key.string()});
    return EchoServer(std::move(more));
  }
  TlsFiles trust() const { return {.ca = authority.file().string()}; }
  static HttpCall get(const EchoServer& server) { return {.method = "GET", .url = server.url("/", "https")}; }
};

}  // namespace

TEST_CASE_FIXTURE(TlsFixture, "a server whose certificate a private authority signed is believed with its file alone") {
  const auto server = start();
  CHECK(HttpClient(trust()).call(get(server)).status == 200);
  CHECK_THROWS_AS(HttpClient().call(get(server)), NotSentError);
  CHECK_THROWS_AS(HttpClient({.ca = stranger.file().string()}).call(get(server)), NotSentError);
  CHECK_THROWS_AS(HttpClient({.ca = (folder / "absent.pem").string()}).call(get(server)), NotSentError);
}

TEST_CASE_FIXTURE(TlsFixture, "a certificate for another host is not believed") {
  const auto server = start();
  auto call = get(server);
  call.url = "https://localhost:" + std::to_string(server.port()) + "/";
  CHECK_THROWS_AS(HttpClient(trust()).call(call), NotSentError);
}

TEST_CASE_FIXTURE(TlsFixture, "a server that asks for a certificate gets ours, and an expired, foreign or absent one is no answer") {
  const auto server = start({"--client-ca", authority.file().string()});
  const auto with = [&](const Certificate& certificate) {
    auto files = trust();
    files.client_certificate = certificate.certificate.string();
    files.client_key = certificate.key.string();
    return HttpClient(files).call(get(server)).status;
  };
  CHECK(with(authority.issue("client")) == 200);
  CHECK_THROWS_AS(with(authority.issue("late", CertificateAuthority::Validity::expired)), TransientError);
  CHECK_THROWS_AS(with(stranger.issue("foreign")), TransientError);
  CHECK_THROWS_AS(with({folder / "absent.pem", folder / "absent.key"}), NotSentError);
  CHECK_THROWS_AS(HttpClient(trust()).call(get(server)), TransientError);
}

TEST_CASE("what gzip packs, Python unpacks") {
  const std::string text(3'000'000, 'a');
  for (const std::string& body : {std::string(), std::string("{}\n"), text}) {
    const auto packed = gzipped(body);
    CHECK(run({"python3", "-c", "import sys, gzip; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))"}, packed) == body);
  }
  CHECK(gzipped(text).size() < text.size() / 100);
}

TEST_CASE("a packed answer is taken when it was asked for, and bounded by what it unpacks to") {
  const EchoServer server;
  HttpClient client;
  HttpCall call{.method = "GET", .url = server.url("/gzip/100000"), .max_response_bytes = 100'000, .accept_gzip = true};
  CHECK(client.call(call).body == std::string(100'000, 'x'));
  CHECK(client.call(call).headers.at("content-encoding") == "gzip");
  call.max_response_bytes = 99'999;
  CHECK_THROWS_WITH_AS(client.call(call), doctest::Contains("over 99999 bytes"), TransientError);
  call.accept_gzip = false;
  call.max_response_bytes = 100'000;
  CHECK_FALSE(client.call(call).headers.contains("content-encoding"));
}

TEST_CASE("an answer of little bytes that unpacks to much is broken off") {
  const EchoServer server;
  HttpClient client;
  CHECK_THROWS_WITH_AS(client.call({.method = "GET", .url = server.url("/bomb/200"), .max_response_bytes = 1024 * 1024, .accept_gzip = true}),
                       doctest::Contains("over 1048576 bytes"), TransientError);
}

TEST_CASE("a peer that takes no connection was sent nothing") {
  HttpClient client;
  CHECK_THROWS_AS(client.call({.url = "http://127.0.0.1:" + std::to_string(free_port()) + "/"}), NotSentError);
  CHECK_THROWS_AS(client.call({.url = "http://nowhere.invalid/"}), NotSentError);
}

TEST_CASE("a peer that took the request and gave no whole answer may have acted upon it") {
  const EchoServer server;
  HttpClient client;
  CHECK_THROWS_AS(client.call({.url = server.url("/silent/"), .body = "x", .timeout = 300ms}), NoAnswerError);
  CHECK_THROWS_AS(client.call({.url = server.url("/cut/"), .body = "x"}), NoAnswerError);
}

TEST_CASE("a kept connection that ends before the answer's first byte: made again, or at most once") {
  const EchoServer server;
  HttpClient client;
  CHECK(client.call({.method = "GET", .url = server.url("/")}).status == 200);
  HttpCall call{.url = server.url("/close-before/"), .body = "x"};
  SUBCASE("made again") {
    const auto seen = nlohmann::json::parse(client.call(call).body);
    CHECK(seen["connection"] == 2);
    CHECK(seen["request"] == 1);
  }
  SUBCASE("at most once") {
    call.at_most_once = true;
    CHECK_THROWS_AS(client.call(call), NoAnswerError);
  }
  SUBCASE("at most once, without a body") {
    call.at_most_once = true;
    call.body = {};
    CHECK_THROWS_AS(client.call(call), NoAnswerError);
  }
  CHECK(client.call({.method = "GET", .url = server.url("/")}).status == 200);
}

TEST_CASE("a client keeps its connection") {
  const EchoServer server;
  HttpClient client;
  for (int request = 1; request <= 3; ++request) {
    const auto seen = nlohmann::json::parse(client.call({.url = server.url("/"), .body = "x"}).body);
    CHECK(seen["connection"] == 1);
    CHECK(seen["request"] == request);
  }
}
