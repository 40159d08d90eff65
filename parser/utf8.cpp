#include "parser/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace tidemark::parser::utf8 {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
bool continues(std::string_view text, std::size_t at) { return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80; }

// Skips eight ASCII bytes at a time.
std::size_t skip_ascii(std::string_view text, std::size_t at) {
  while (at + 8 <= text.size()) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080u) break;
    at += 8;
  }
  while (at < text.size() && byte_at(text, at) < 0x80) ++at;
  return at;
}

// Most of what is not ASCII in CJK text: three bytes whose first one allows every second one.
bool is_plain_triple(std::string_view text, std::size_t at) {
  if (at + 3 > text.size()) return false;
  const unsigned char lead = byte_at(text, at);
  return (lead & 0xF0) == 0xE0 && lead != 0xE0 && lead != 0xED && (byte_at(text, at + 1) & 0xC0) == 0x80 && (byte_at(text, at + 2) & 0xC0) == 0x80;
}

}  // namespace

Decoded decode(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1, true};
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // of the second byte
  char32_t code_point = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    code_point = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    code_point = lead & 0x0Fu;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    code_point = lead & 0x07u;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {replacement, 1, false};
  }
  if (at + 1 >= text.size() || byte_at(text, at + 1) < low || byte_at(text, at + 1) > high) return {replacement, 1, false};
  code_point = (code_point << 6) | (byte_at(text, at + 1) & 0x3Fu);
  for (std::size_t i = 2; i < length; ++i) {
    if (!continues(text, at + i)) return {replacement, i, false};
    code_point = (code_point << 6) | (byte_at(text, at + i) & 0x3Fu);
  }
  return {code_point, length, true};
}

void append(std::string& out, char32_t c) {
  if (c == 0 || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) c = replacement;
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

std::size_t first_invalid(std::string_view text) {
  for (std::size_t at = skip_ascii(text, 0); at < text.size(); at = skip_ascii(text, at)) {
    while (at < text.size() && byte_at(text, at) >= 0x80) {
      if (is_plain_triple(text, at)) {
        at += 3;
        continue;
      }
      const Decoded next = decode(text, at);
      if (!next.valid) return at;
      at += next.bytes;
    }
  }
  return std::string_view::npos;
}

std::string_view prefix(std::string_view text, std::size_t characters) {
  if (text.size() <= characters) return text;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (continues(text, at)) continue;
    if (characters == 0) return text.substr(0, at);
    --characters;
  }
  return text;
}

std::string_view prefix_of_bytes(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && continues(text, bytes)) --bytes;
  return text.substr(0, bytes);
}

Scrubbed scrub(std::string_view text) {
  Scrubbed result;
  result.text.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (next.valid && next.code_point != 0) {
      result.text.append(text, at, next.bytes);
    } else {
      append(result.text, replacement);
      ++result.replaced;
    }
    at += next.bytes;
  }
  return result;
}

}  // namespace tidemark::parser::utf8
