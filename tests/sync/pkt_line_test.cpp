// Expected bytes are those of the examples in gitprotocol-common(5).
#include "sync/remote/pkt_line.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace tidemark::sync;
using Kind = PktLine::Kind;

namespace {

// The lines of `bytes`, which arrive `piece` by piece.
std::vector<std::pair<Kind, std::string>> lines_of(std::string_view bytes, std::size_t piece) {
  PktLineReader reader;
  std::vector<std::pair<Kind, std::string>> lines;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.substr(at, piece));
    while (const auto line = reader.next()) lines.emplace_back(line->kind, line->text);
  }
  return lines;
}

}  // namespace

TEST_CASE("the examples of gitprotocol-common are read, whatever pieces they arrive in") {
  const std::string bytes = "0006a\n0005a000bfoobar\n0004000000010002";
  const std::vector<std::pair<Kind, std::string>> expected = {{Kind::data, "a"}, {Kind::data, "a"},     {Kind::data, "foobar"},  {Kind::data, ""},
                                                              {Kind::flush, ""}, {Kind::delimiter, ""}, {Kind::response_end, ""}};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) CHECK(lines_of(bytes, piece) == expected);
}

TEST_CASE("the longest line that there may be is read, and a longer one refused") {
  const std::string longest = "fff0" + std::string(65516, 'x');
  CHECK(lines_of(longest, longest.size()).front().second.size() == 65516);
  CHECK_THROWS_AS(lines_of("fff1" + std::string(65517, 'x'), 70000), ProtocolError);
  CHECK_THROWS_AS(pkt_line(std::string(65516, 'x')), std::length_error);
  CHECK(pkt_line("foobar") == "000bfoobar\n");
}

TEST_CASE("what is no pkt-line is refused in words that can be shown") {
  for (const char* bytes : {"<html><body>", "0003x", "-001", "00g0", "+00a", " 00a", "\xff\xff\xff\xff", "HTTP/1.1 200 OK"}) {
    CAPTURE(bytes);
    CHECK_THROWS_AS(lines_of(bytes, 100), ProtocolError);
  }
  CHECK_THROWS_WITH_AS(lines_of("<ht\x1b[31m", 100), doctest::Contains("'<ht\\x1B[31m'"), ProtocolError);
}

TEST_CASE("a server's error is told in its words") {
  CHECK_THROWS_WITH_AS(lines_of(pkt_line("ERR access denied"), 100), doctest::Contains("the server says: access denied"), ProtocolError);
}

TEST_CASE("any bytes are lines or an error, and no more than a line is kept") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    const std::string_view alphabet = round % 2 == 0 ? "0123456789abcdef" : "";
    for (int i = 0; i < 200; ++i) bytes += alphabet.empty() ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    try {
      lines_of(bytes, 1 + random() % 50);
    } catch (const ProtocolError&) {
      // as good as lines
    }
  }
}
