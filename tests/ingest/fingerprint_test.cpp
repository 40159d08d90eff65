// Fingerprints, ids and paths as people see them. Expected values come from python3: hashlib, base64 and binascii.
#include "ingest/fingerprint.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>

#include "ingest/base64url.hpp"
#include "ingest/document.hpp"

namespace {

using namespace tidemark::ingest;

TEST_CASE("a digest is the first 16 bytes of SHA-256") {
  CHECK(digest("").hex() == "e3b0c44298fc1c149afbf4c8996fb924");
  CHECK(digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223");
  CHECK(Fingerprint::from_bytes(digest("abc").bytes()) == digest("abc"));
  CHECK_FALSE(Fingerprint::from_bytes("too short").has_value());
}

TEST_CASE("a document's id is 22 characters that depend on source, path and fragment") {
  CHECK(document_id("docs", "a/b.md", "") == "6fhPC5pk7IKJGbl3q83FIg");
  CHECK(document_id("docs", "a\xff.json", "7") == "T1TnT1wrkJQHKNxGrxmzjA");
  const std::set<std::string> ids{document_id("a", "b", "c"), document_id("a", "bc", ""), document_id("ab", "", "c"), document_id("a", "", "bc")};
  CHECK(ids.size() == 4);
}

// RFC 4648, section 10, without the padding.
TEST_CASE("base64url goes both ways, and takes nothing else") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64url(bytes) == text);
    CHECK(from_base64url(text) == bytes);
  }
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9v Yg", "+/8"}) CHECK_FALSE(from_base64url(text).has_value());
}

TEST_CASE("a fingerprint changes with content, parser and settings, and with nothing else") {
  const auto one = tidemark::git::Oid::parse("1111111111111111111111111111111111111111").value();
  const auto two = tidemark::git::Oid::parse("2222222222222222222222222222222222222222").value();
  const std::set<Fingerprint> all{fingerprint_of(one, 1, "s"), fingerprint_of(two, 1, "s"), fingerprint_of(one, 2, "s"), fingerprint_of(one, 1, "t"),
                                  fingerprint_of(one, 11, ""), fingerprint_of(one, 1, "1")};
  CHECK(all.size() == 6);
  CHECK(fingerprint_of(one, 1, "s") == fingerprint_of(one, 1, "s"));
}

TEST_CASE("a path is shown as it is, but for what is not text") {
  CHECK(display_path("docs/計算 (1).md") == "docs/計算 (1).md");
  CHECK(display_path("caf\xe9.md") == "caf%E9.md");
  CHECK(display_path("a\tb\nc\x7f.md") == "a%09b%0Ac%7F.md");
  CHECK(display_path("\xc2\x85.md") == "%C2%85.md");
  CHECK(display_path("100%.md") == "100%.md");
  CHECK(display_path("100%25.md") == "100%2525.md");
  CHECK(display_path("\xed\xa0\x80") == "%ED%A0%80");
  CHECK(display_path("") == "");
}

TEST_CASE("two paths are never shown alike") {
  std::set<std::string> shown;
  const std::string alphabet = "%2F\xc3\xa9\xff\n";
  std::size_t count = 0;
  for (std::size_t number = 0; number < 8 * 8 * 8 * 8 * 8; ++number) {
    std::string path;
    for (std::size_t rest = number, i = 0; i < 5; ++i, rest /= 8) {
      if (rest % 8 < alphabet.size()) path += alphabet[rest % 8];
    }
    static std::set<std::string> paths;
    if (paths.insert(path).second) {
      ++count;
      shown.insert(display_path(path));
    }
  }
  CHECK(shown.size() == count);
}

TEST_CASE("a document's size in memory counts all its text") {
  Document document;
  const auto empty = document.bytes();
  CHECK(empty >= 0);
  document.content.sections.push_back({.anchor = "", .level = 0, .heading = "", .breadcrumb = "", .content = std::string(1'000, 'x'), .code = std::string(500, 'y')});
  document.key.path = std::string(100, 'p');
  document.content.front_matter = std::string(10'000, ' ');
  CHECK(document.bytes() >= empty + 11'500);
}

}  // namespace
