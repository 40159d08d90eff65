// The cryptography that is needed here, all of it libcrypto's. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::sync {

// HMAC with SHA-256 (RFC 2104): 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view data);

// How long it takes tells nothing of the texts, but perhaps their lengths.
bool equal_in_constant_time(std::string_view one, std::string_view other);

std::string to_base64(std::string_view bytes);  // RFC 4648 section 4, with padding
std::optional<std::string> from_base64(std::string_view text);
std::string to_base64url(std::string_view bytes);  // RFC 4648 section 5, without padding, as RFC 7515 wants it

// An RSA key of its own, for RS256 (RFC 7518 section 3.3).
class RsaPrivateKey {
 public:
  // PEM, of PKCS #1 or #8, without a passphrase. Throws std::invalid_argument saying what else it is, never what is in it.
  explicit RsaPrivateKey(std::string_view pem);
  ~RsaPrivateKey();
  RsaPrivateKey(const RsaPrivateKey&) = delete;
  RsaPrivateKey& operator=(const RsaPrivateKey&) = delete;

  // RSASSA-PKCS1-v1_5 with SHA-256.
  std::string sign(std::string_view data) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
};

}  // namespace tidemark::sync
