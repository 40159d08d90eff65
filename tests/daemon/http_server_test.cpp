#include <random>

#include "http_fixture.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;

TEST_CASE("a route answers with its status, type and body") {
  const HttpFixture fixture;
  const auto answer = fixture.ask("GET /hello");
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  CHECK(answer.head.find("Content-Type: text/plain\r\n") != std::string::npos);
}

TEST_CASE("HEAD is answered as GET without the body") {
  const HttpFixture fixture;
  const auto answer = fixture.ask("HEAD /hello");
  CHECK(answer.status == 200);
  CHECK(answer.head.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(answer.body.empty());
}

TEST_CASE("an unknown path is 404, a known one under another method 405 with Allow") {
  const HttpFixture fixture;
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
  const HttpFixture fixture;
  const auto answer = fixture.ask("GET /nothing");
  CHECK(answer.head.find("Content-Type: application/problem+json\r\n") != std::string::npos);
  const auto body = nlohmann::json::parse(answer.body);
  CHECK(body["type"] == "urn:tidemark:problem:not-found");
  CHECK(body["status"] == 404);
  CHECK(body["title"] == "Not Found");
}

TEST_CASE("any byte may stand in a path") {
  const HttpFixture fixture;
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
  const HttpFixture fixture;
  CHECK(fixture.ask("GET /files/special").body == "special");
  CHECK(fixture.ask("GET /files/special2").body != "special");
}

TEST_CASE("query parameters are decoded, in order, repeated ones kept") {
  const HttpFixture fixture;
  const auto answer = fixture.ask("GET /echo?q=a+b%2B&tag=x&tag=%E8%A8%88&empty=&bare");
  CHECK(nlohmann::json::parse(answer.body)["query"] == nlohmann::json::parse(R"([["q","a b+"],["tag","x"],["tag","計"],["empty",""],["bare",""]])"));
}

TEST_CASE("a broken escape is refused") {
  const HttpFixture fixture;
  CHECK(fixture.ask("GET /files/100%").status == 400);
  CHECK(fixture.ask("GET /files/%zz").status == 400);
  CHECK(fixture.ask("GET /echo?q=%4").status == 400);
}

TEST_CASE("a URI of nearly 8 KiB is served, a longer one answered 414") {
  const HttpFixture fixture;
  CHECK(fixture.ask("GET /files/" + std::string(8'100, 'a')).status == 200);
  const auto answer = fixture.ask("GET /files/" + std::string(8'300, 'a'));
  CHECK(answer.status == 414);
  CHECK(type_of(answer) == "urn:tidemark:problem:uri-too-long");
}

TEST_CASE("a head without an end is answered 431 and closed") {
  const HttpFixture fixture;
  RawClient client(fixture.server.port());
  client.send("GET /hello HTTP/1.1\r\nX: " + std::string(64 * 1024, 'a'));
  CHECK(client.receive().status == 431);
}

TEST_CASE("headers that make an expression's matcher recurse do no harm") {
  const HttpFixture fixture;
  CHECK(fixture.ask("GET /hello", "Range: bytes=" + std::string(8'100, '1') + "-\r\n").status != 0);
  std::string ranges = "Range: bytes=0-0";
  for (int i = 0; i < 1'500; ++i) ranges += ",0-0";
  CHECK(fixture.ask("GET /hello", ranges + "\r\n").status != 0);
  CHECK(fixture.ask("GET /hello").status == 200);
}

TEST_CASE("a range is not served: the whole answer is") {
  const HttpFixture fixture;
  const auto answer = fixture.ask("GET /hello", "Range: bytes=0-1\r\nAccept-Encoding: gzip, br\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
}

TEST_CASE("a body is read by its length and in chunks") {
  const HttpFixture fixture;
  CHECK(nlohmann::json::parse(fixture.ask("POST /echo", "Content-Length: 3\r\n", "abc").body)["body"] == 3);
  CHECK(nlohmann::json::parse(fixture.ask("POST /echo", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body)["body"] == 5);
}

TEST_CASE("a POST without a length has no body and does not wait for one") {
  const HttpFixture fixture;
  RawClient client(fixture.server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive(false, 5s).status == 200);
}

TEST_CASE("an oversized body is answered 413, announced or in chunks") {
  const HttpFixture fixture(HttpServer::Options{.max_body_bytes = 1'000});
  CHECK(fixture.ask("POST /echo", "Content-Length: 1000\r\n", std::string(1'000, 'x')).status == 200);
  const auto announced = fixture.ask("POST /echo", "Content-Length: 1001\r\n", std::string(1'001, 'x'));
  CHECK(announced.status == 413);
  CHECK(type_of(announced) == "urn:tidemark:problem:body-too-large");
  CHECK(fixture.ask("POST /echo", "Content-Length: 18446744073709551615\r\n").status == 413);
  std::string chunks;
  for (int i = 0; i < 20; ++i) chunks += "64\r\n" + std::string(100, 'x') + "\r\n";
  CHECK(fixture.ask("POST /echo", "Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n").status == 413);
}

TEST_CASE("a chunk's size that does not end is cut off, not kept") {
  const HttpFixture fixture(HttpServer::Options{.max_body_bytes = 1'000, .read_timeout = 1h});
  RawClient client(fixture.server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string digits(64 * 1024, '0');
  for (int i = 0; i < 16; ++i) client.send(digits);
  CHECK(client.closed_by_peer());
}

TEST_CASE("what could be read as two different requests is refused") {
  const HttpFixture fixture;
  CHECK(fixture.ask("POST /echo", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd").status == 400);
  CHECK(fixture.ask("POST /echo", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n").status == 400);
  CHECK(fixture.ask("POST /echo", "Content-Length: x\r\n").status == 400);
  CHECK(fixture.ask("POST /echo", "Transfer-Encoding: gzip\r\n").status == 501);
  CHECK(fixture.ask("GET /hello", "Host: localhost\r\n").status == 400);
}

TEST_CASE("a compressed or multipart body is refused") {
  const HttpFixture fixture;
  CHECK(fixture.ask("POST /echo", "Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x").status == 415);
  CHECK(fixture.ask("POST /echo", "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1\r\n", "x").status == 415);
}

TEST_CASE("garbage is answered 400 and closed") {
  const HttpFixture fixture;
  RawClient client(fixture.server.port());
  CHECK(client.ask("\x01\x02 nonsense\r\n\r\n").status == 400);
  CHECK(client.closed_by_peer());
}

TEST_CASE("mutilated requests neither end nor stop the server") {
  const HttpFixture fixture(HttpServer::Options{.read_timeout = 200ms});
  const std::vector<std::string> seeds{
      "POST /echo?a=b&c=%41 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nabcde",
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
      "GET http://localhost/files/%E8%A8%88/a.md#x HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1,-5\r\nOrigin: "
      "http://localhost\r\nAccept-Encoding: gzip\r\n\r\n"};
  const std::vector<std::string> pieces{"\r\n",     "\r\n\r\n",
                                        "%",        "%00",
                                        ":",        " ",
                                        "\t",       std::string(1, '\0'),
                                        "\xff",     "0",
                                        "-1",       "99999999999999999999",
                                        "HTTP/1.0", std::string(3'000, 'a')};
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  for (int i = 0; i < 1'500; ++i) {
    std::string request = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(request.size());
      switch (below(3)) {
        case 0:
          request.erase(at, 1 + below(20));
          break;
        case 1:
          request.insert(at, pieces[below(pieces.size())]);
          break;
        default:
          request[at] = static_cast<char>(below(256));
      }
      if (request.empty()) request = "x";
    }
    RawClient(fixture.server.port()).send(request);
  }
  CHECK(fixture.ask("GET /hello").body == "hello");
}

TEST_CASE("a connection serves several requests, sent one after the other or together") {
  const HttpFixture fixture;
  RawClient client(fixture.server.port());
  CHECK(client.ask(get("/hello")).body == "hello");
  CHECK(client.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab").status == 200);
  client.send(get("/hello") + "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab" + get("/files/special"));
  CHECK(client.receive().body == "hello");
  CHECK(nlohmann::json::parse(client.receive().body)["body"] == 2);
  CHECK(client.receive().body == "special");
}

TEST_CASE("Connection: close, HTTP/1.0 and a body where none belongs end the connection") {
  const HttpFixture fixture;
  for (const std::string request :
       {"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n"}) {
    CAPTURE(request);
    RawClient client(fixture.server.port());
    CHECK(client.ask(request).status == 200);
    CHECK(client.closed_by_peer());
  }
}

TEST_CASE("a handler that throws is a 500 that keeps its reason to the log") {
  const HttpFixture fixture;
  const auto answer = fixture.ask("GET /throws");
  CHECK(answer.status == 500);
  CHECK(answer.body.find("secret") == std::string::npos);
  CHECK(fixture.ask("GET /hello").status == 200);
}
