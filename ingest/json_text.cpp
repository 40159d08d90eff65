#include "ingest/json_text.hpp"

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "parser/utf8.hpp"

namespace tidemark::ingest {

namespace {

bool is_escaped(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Whether one of eight bytes is escaped: the usual arithmetic for "a byte is zero" and "a byte is less than n" on a word.
bool has_escaped(std::uint64_t word) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  constexpr std::uint64_t tops = 0x8080808080808080u;
  const auto has_zero = [](std::uint64_t value) { return (value - ones) & ~value & tops; };
  const std::uint64_t has_control = (word - ones * 0x20) & ~word & tops;
  return (has_control | has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\'))) != 0;
}

std::size_t find_escaped(std::string_view text, std::size_t at) {
  for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (has_escaped(word)) break;
  }
  while (at < text.size() && !is_escaped(text[at])) ++at;
  return at;
}

void append_escaped(std::string& out, char c) {
  out += '\\';
  switch (c) {
    case '\b':
      out += 'b';
      return;
    case '\f':
      out += 'f';
      return;
    case '\n':
      out += 'n';
      return;
    case '\r':
      out += 'r';
      return;
    case '\t':
      out += 't';
      return;
    case '"':
    case '\\':
      out += c;
      return;
    default:
      constexpr std::string_view digits = "0123456789abcdef";
      out += "u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 0xf];
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (parser::utf8::first_invalid(text) != std::string_view::npos) throw std::invalid_argument("its text is not valid UTF-8");
  out += '"';
  for (std::size_t at = 0;;) {
    const std::size_t end = find_escaped(text, at);
    out.append(text, at, end - at);
    if (end == text.size()) break;
    append_escaped(out, text[end]);
    at = end + 1;
  }
  out += '"';
}

void append_json_strings(std::string& out, std::span<const std::string> texts) {
  out += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, texts[i]);
  }
  out += ']';
}

}  // namespace tidemark::ingest
