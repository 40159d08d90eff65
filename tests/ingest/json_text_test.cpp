#include "ingest/json_text.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "parser/utf8.hpp"

namespace tidemark::ingest {
namespace {

using nlohmann::json;

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("a JSON string escapes what RFC 8259 says, and nothing else") {
  CHECK(json_string("") == R"("")");
  CHECK(json_string("plain text, 計算機 / \x7f") == "\"plain text, 計算機 / \x7f\"");
  CHECK(json_string("\"quoted\" \\ back") == R"("\"quoted\" \\ back")");
  CHECK(json_string("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(json_string(std::string_view("\0\x01\x1f", 3)) == R"("\u0000\u0001\u001f")");
}

TEST_CASE("a JSON string is what the JSON library writes, for every code point at every place in a word") {
  std::mt19937 random(7);
  for (char32_t code_point = 1; code_point <= 0x10FFFF; code_point += code_point < 0x3000 ? 1 : 251) {
    std::string text(random() % 12, 'a');
    parser::utf8::append(text, code_point);
    text.append(random() % 12, '~');
    if (json_string(text) != json(text).dump()) FAIL(static_cast<std::uint32_t>(code_point));
  }
}

TEST_CASE("a JSON string of any bytes is the library's, or refused as the library refuses it") {
  std::mt19937 random(8);
  const std::string alphabet("ab\"\\\n\x1f\0\x80\xbf\xc3\xa9\xe3\x81\xed\xa0\xf0\x9f\xff", 18);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t length = random() % 20; text.size() < length;) text += random() % 4 ? "é\"x"[random() % 4] : alphabet[random() % alphabet.size()];
    std::string expected;
    try {
      expected = json(text).dump();
    } catch (const json::exception&) {
    }
    std::string out = "before";
    if (expected.empty()) {
      CHECK_THROWS_AS(append_json_string(out, text), std::invalid_argument);
      CHECK(out == "before");
    } else {
      append_json_string(out, text);
      CHECK(out == "before" + expected);
    }
  }
}

TEST_CASE("a list of JSON strings is an array") {
  for (const std::vector<std::string>& texts : {std::vector<std::string>{}, {"one"}, {"a\"b", "", "計算"}}) {
    std::string out;
    append_json_strings(out, texts);
    CHECK(out == json(texts).dump());
  }
}

}  // namespace tidemark::ingest
