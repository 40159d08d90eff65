// Hashes that identify things: documents, fingerprints, settings. SHA-256 by libcrypto, cut to 16 bytes. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "git/oid.hpp"

namespace tidemark::ingest {

// Equal fingerprints = nothing to send: a hash of the document's content id, the parser's version and the settings that apply to its path.
class Fingerprint {
 public:
  static constexpr std::size_t size = 16;
  Fingerprint() = default;
  static std::optional<Fingerprint> from_bytes(std::string_view raw);  // exactly 16 bytes
  static std::optional<Fingerprint> from_hex(std::string_view text);   // exactly 32 lower-case digits
  std::string_view bytes() const { return {reinterpret_cast<const char*>(raw_.data()), raw_.size()}; }
  std::string hex() const;
  auto operator<=>(const Fingerprint&) const = default;

 private:
  friend Fingerprint digest(std::string_view);
  std::array<unsigned char, size> raw_{};
};

// The first 16 bytes of SHA-256.
Fingerprint digest(std::string_view bytes);
// `settings`: the canonical text of what applies to the path; today just that of Selection, which is the same for every path.
Fingerprint fingerprint_of(const git::Oid& content, int parser_version, std::string_view settings);

// `_id`: base64url without padding of the first 16 bytes of SHA-256(source NUL path NUL fragment): 22 characters.
std::string document_id(std::string_view source, std::string_view path, std::string_view fragment);

// A path as JSON and people may see it: bytes that are not valid UTF-8, control characters and '%' itself where it would be ambiguous become %XX.
// display_path of two different paths may not be equal; the path's bytes are the truth.
std::string display_path(std::string_view path);

}  // namespace tidemark::ingest
