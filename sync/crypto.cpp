#include "sync/crypto.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <stdexcept>

namespace tidemark::sync {

namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

int length_of(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max() / 2)) throw std::length_error("too much data for libcrypto");
  return static_cast<int>(text.size());
}

std::array<unsigned char, SHA256_DIGEST_LENGTH> sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes_of(text), text.size(), digest.data());
  return digest;
}

// libcrypto would ask the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), length_of(key), bytes_of(data), data.size(), mac.data(), &size) == nullptr) throw std::bad_alloc();
  return {reinterpret_cast<const char*>(mac.data()), size};
}

bool equal_in_constant_time(std::string_view one, std::string_view other) {
  const auto first = sha256(one);
  const auto second = sha256(other);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes), length_of(bytes));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), bytes_of(text), length_of(text));
  if (size < 0 || static_cast<std::size_t>(size) != bytes.size()) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  if (to_base64(bytes) != text) return std::nullopt;  // libcrypto takes a few more
  return bytes;
}

std::string to_base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

struct RsaPrivateKey::Key {
  sync::Key key;
};

RsaPrivateKey::RsaPrivateKey(std::string_view pem) : key_(std::make_unique<Key>()) {
  const Bio bio(BIO_new_mem_buf(pem.data(), length_of(pem)));
  if (!bio) throw std::bad_alloc();
  key_->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key_->key) {
    if (pem.find("ENCRYPTED") != std::string_view::npos) throw std::invalid_argument("it has a passphrase, which is not supported");
    throw std::invalid_argument("it is no private key in PEM (-----BEGIN RSA PRIVATE KEY-----)");
  }
  if (EVP_PKEY_get_base_id(key_->key.get()) != EVP_PKEY_RSA) throw std::invalid_argument("it is no RSA key");
}

RsaPrivateKey::~RsaPrivateKey() = default;

std::string RsaPrivateKey::sign(std::string_view data) const {
  const Digest digest(EVP_MD_CTX_new());
  if (!digest) throw std::bad_alloc();
  std::size_t size = 0;
  const bool begun = EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) == 1 &&
                     EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(data), data.size()) == 1;
  std::string signature(size, '\0');
  if (!begun || EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(data), data.size()) != 1) {
    ERR_clear_error();
    throw std::runtime_error("libcrypto can't sign by this key");
  }
  signature.resize(size);
  return signature;
}

}  // namespace tidemark::sync
