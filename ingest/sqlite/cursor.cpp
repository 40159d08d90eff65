#include "ingest/sqlite/cursor.hpp"

#include "ingest/search.hpp"

namespace tidemark::ingest::sqlite {

namespace {

// RFC 4648, section 5, without padding.
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string make_cursor(const DocumentKey& key) {
  const std::string bytes = key.path + '\0' + key.fragment;
  std::string cursor;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (bits += 8; bits >= 6; bits -= 6) cursor += alphabet[buffer >> (bits - 6) & 63];
  }
  if (bits > 0) cursor += alphabet[buffer << (6 - bits) & 63];
  return cursor;
}

DocumentKey parse_cursor(std::string_view cursor) {
  std::string bytes;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : cursor) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) throw InvalidQuery("the cursor is not one of this listing's");
    buffer = (buffer << 6 | static_cast<unsigned>(value)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(buffer >> bits & 0xff);
  }
  const auto nul = bytes.find('\0');
  if (nul == std::string::npos || nul == 0) throw InvalidQuery("the cursor is not one of this listing's");
  DocumentKey key{.path = bytes.substr(0, nul), .fragment = bytes.substr(nul + 1)};
  if (make_cursor(key) != cursor) throw InvalidQuery("the cursor is not one of this listing's");
  return key;
}

std::optional<std::string> after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  ++prefix.back();
  return prefix;
}

}  // namespace tidemark::ingest::sqlite
