#include "ingest/fingerprint.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "daemon/hex.hpp"
#include "ingest/base64url.hpp"

namespace tidemark::ingest {

namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

void append_percent(std::string& out, unsigned char byte) {
  constexpr std::string_view upper = "0123456789ABCDEF";
  out += '%';
  out += upper[byte >> 4];
  out += upper[byte & 15];
}

}  // namespace

std::optional<Fingerprint> Fingerprint::from_bytes(std::string_view raw) {
  if (raw.size() != size) return std::nullopt;
  Fingerprint fingerprint;
  std::memcpy(fingerprint.raw_.data(), raw.data(), size);
  return fingerprint;
}

std::optional<Fingerprint> Fingerprint::from_hex(std::string_view text) {
  const auto raw = tidemark::from_hex(text);
  return raw ? from_bytes(*raw) : std::nullopt;
}

std::string Fingerprint::hex() const { return tidemark::hex(bytes()); }

Fingerprint digest(std::string_view bytes) {
  // SHA256() looks for the algorithm by its name each time.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, sha256, nullptr) != 1) throw std::runtime_error("libcrypto has no SHA-256");
  Fingerprint fingerprint;
  std::copy_n(hash.begin(), Fingerprint::size, fingerprint.raw_.begin());
  return fingerprint;
}

Fingerprint fingerprint_of(const git::Oid& content, int parser_version, std::string_view settings) {
  std::string text(content.bytes());
  text += std::to_string(parser_version);
  text += '\0';
  text += settings;
  return digest(text);
}

std::string document_id(std::string_view source, std::string_view path, std::string_view fragment) {
  std::string text(source);
  text += '\0';
  text += path;
  text += '\0';
  text += fragment;
  return base64url(digest(text).bytes());
}

std::string display_path(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const auto byte = static_cast<unsigned char>(path[at]);
    utf8proc_int32_t character = -1;
    const auto left = static_cast<utf8proc_ssize_t>(std::min<std::size_t>(path.size() - at, 4));
    const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(path.data() + at), left, &character);
    const bool control = character >= 0 && (character < 0x20 || (character >= 0x7f && character < 0xa0));
    const bool ambiguous = byte == '%' && at + 2 < path.size() && is_hex(path[at + 1]) && is_hex(path[at + 2]);
    const std::size_t taken = bytes > 0 ? static_cast<std::size_t>(bytes) : 1;
    if (bytes <= 0 || control || ambiguous) {
      for (std::size_t i = 0; i < taken; ++i) append_percent(out, static_cast<unsigned char>(path[at + i]));
    } else {
      out += path.substr(at, taken);
    }
    at += taken;
  }
  return out;
}

}  // namespace tidemark::ingest
