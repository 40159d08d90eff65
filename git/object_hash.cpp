#include "git/object_hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>

#include "git/error.hpp"

namespace tidemark::git {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
struct FreeAlgorithm {
  void operator()(EVP_MD* algorithm) const noexcept { EVP_MD_free(algorithm); }
};

const EVP_MD* sha1() {
  static const std::unique_ptr<EVP_MD, FreeAlgorithm> algorithm(EVP_MD_fetch(nullptr, "SHA1", nullptr));
  return algorithm.get();
}

}  // namespace

// https://git-scm.com/book/en/v2/Git-Internals-Git-Objects, "Object Storage"
Oid hash_object(std::string_view kind, std::string_view content) {
  std::string header(kind);
  header += ' ';
  header += std::to_string(content.size());
  header += '\0';
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (!context || sha1() == nullptr || EVP_DigestInit_ex2(context.get(), sha1(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), header.data(), header.size()) != 1 || EVP_DigestUpdate(context.get(), content.data(), content.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), hash.data(), &size) != 1) {
    throw Error("hash an object: OpenSSL has no SHA-1 here");
  }
  const auto oid = Oid::from_bytes({reinterpret_cast<const char*>(hash.data()), size});
  if (!oid) throw Error("hash an object: the hash has " + std::to_string(size) + " bytes");
  return *oid;
}

}  // namespace tidemark::git
