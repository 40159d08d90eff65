// An object id: SHA-1, as git's repositories of object format sha1 use. Bytes, never text, in memory.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::git {

class Oid {
 public:
  static constexpr std::size_t size = 20;

  Oid() = default;  // the null id, which names nothing
  static std::optional<Oid> parse(std::string_view hex);             // exactly 40 hexadecimal digits, either case
  static std::optional<Oid> from_bytes(std::string_view raw);        // exactly 20 bytes
  static Oid from_raw(const unsigned char* raw);                     // 20 bytes
  std::string hex() const;
  std::string_view bytes() const { return {reinterpret_cast<const char*>(raw_.data()), raw_.size()}; }
  const unsigned char* raw() const { return raw_.data(); }
  bool is_null() const { return *this == Oid{}; }
  auto operator<=>(const Oid&) const = default;

 private:
  std::array<unsigned char, size> raw_{};
};

}  // namespace tidemark::git

template <>
struct std::hash<tidemark::git::Oid> {
  std::size_t operator()(const tidemark::git::Oid& oid) const noexcept;
};
