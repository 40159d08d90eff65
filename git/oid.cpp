#include "git/oid.hpp"

#include <algorithm>
#include <cstring>

namespace tidemark::git {

namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<Oid> Oid::parse(std::string_view hex) {
  if (hex.size() != 2 * size) return std::nullopt;
  Oid oid;
  for (std::size_t i = 0; i < size; ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    oid.raw_[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return oid;
}

std::optional<Oid> Oid::from_bytes(std::string_view raw) {
  if (raw.size() != size) return std::nullopt;
  return from_raw(reinterpret_cast<const unsigned char*>(raw.data()));
}

Oid Oid::from_raw(const unsigned char* raw) {
  Oid oid;
  std::copy_n(raw, size, oid.raw_.begin());
  return oid;
}

std::string Oid::hex() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (const unsigned char byte : raw_) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace tidemark::git

// The bytes are a hash already.
std::size_t std::hash<tidemark::git::Oid>::operator()(const tidemark::git::Oid& oid) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, oid.raw(), sizeof value);
  return value;
}
