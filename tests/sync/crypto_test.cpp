// Values of the specifications, or of openssl(1) and Python's hmac where they have none.
#include "sync/crypto.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "daemon/hex.hpp"

#include "support/command.hpp"
#include "support/temporary_directory.hpp"
#include "sync/remote/github_app.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;

namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  text.append((4 - text.size() % 4) % 4, '=');
  const auto bytes = from_base64(text);
  REQUIRE(bytes);
  return *bytes;
}

}  // namespace

TEST_CASE("HMAC-SHA256 is that of RFC 4231") {
  CHECK(tidemark::hex(hmac_sha256("Jefe", "what do ya want for nothing?")) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(tidemark::hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST_CASE("Base64 is that of RFC 4648") {
  for (const auto& [bytes, text] : {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}}) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == std::string(bytes));
  }
  CHECK(to_base64url("\xfb\xff\xfe") == "-__-");
  CHECK(to_base64url("f") == "Zg");
  for (const char* broken : {"Zg", "Zg=", "Z===", "Zm9v*===", "Zm 9", "\n\n\n\n"}) CHECK_FALSE(from_base64(broken));
}

TEST_CASE("Texts of any lengths are compared") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("secret", "secret"));
  CHECK_FALSE(equal_in_constant_time("secret", "secreT"));
  CHECK_FALSE(equal_in_constant_time("secret", "secret2"));
  CHECK_FALSE(equal_in_constant_time("", "s"));
}

TEST_CASE("A JWT is one that openssl verifies by the public key, for nine minutes from now and a minute back") {
  const TemporaryDirectory directory;
  const auto file = [&](const char* name) { return (directory.path() / name).string(); };
  for (const std::vector<std::string>& make : {std::vector<std::string>{"genrsa", "-traditional", "-out", file("key"), "2048"},
                                                 {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", file("key")}}) {
    std::vector<std::string> command{"openssl"};
    command.insert(command.end(), make.begin(), make.end());
    run(command);
    run({"openssl", "pkey", "-in", file("key"), "-pubout", "-out", file("public")});
    const std::string jwt = github_app_jwt("Iv1.abc", read(file("key")), 1'700'000'000);
    const auto first = jwt.find('.'), last = jwt.rfind('.');
    CHECK(from_base64url(jwt.substr(0, first)) == R"({"alg":"RS256","typ":"JWT"})");
    CHECK(from_base64url(jwt.substr(first + 1, last - first - 1)) == R"({"exp":1700000540,"iat":1699999940,"iss":"Iv1.abc"})");
    std::ofstream(file("data")) << jwt.substr(0, last);
    std::ofstream(file("signature")) << from_base64url(jwt.substr(last + 1));
    CHECK(run({"openssl", "dgst", "-sha256", "-verify", file("public"), "-signature", file("signature"), file("data")}) == "Verified OK\n");
  }
}

TEST_CASE("What is no RSA key is refused in words, and nobody is asked for a passphrase") {
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "key").string();
  CHECK_THROWS_WITH_AS(RsaPrivateKey(""), "it is no private key in PEM (-----BEGIN RSA PRIVATE KEY-----)", std::invalid_argument);
  CHECK_THROWS_AS(RsaPrivateKey("-----BEGIN RSA PRIVATE KEY-----\nZm9v\n-----END RSA PRIVATE KEY-----\n"), std::invalid_argument);
  run({"openssl", "genpkey", "-algorithm", "ed25519", "-out", file});
  CHECK_THROWS_WITH_AS(RsaPrivateKey(read(file)), "it is no RSA key", std::invalid_argument);
  run({"openssl", "genrsa", "-aes128", "-passout", "pass:word", "-out", file, "2048"});
  CHECK_THROWS_WITH_AS(RsaPrivateKey(read(file)), "it has a passphrase, which is not supported", std::invalid_argument);
}
