#include "ingest/elasticsearch/names.hpp"

#include <doctest/doctest.h>

#include <string>

namespace tidemark::ingest::elasticsearch {
namespace {

constexpr std::int64_t noon = 1'800'000'000'000;  // 0x1a3185c5000

// `printf docs | sha256sum | cut -c1-12`
const std::string docs_key = "46b42b4229cd";

IndexNames docs() { return IndexNames("tidemark", "docs"); }

}  // namespace

TEST_CASE("an alias is a name that every server takes and no path has to escape") {
  for (const std::string& name : {std::string("tidemark"), std::string("a"), std::string("docs-2.x_new"), std::string("9"), std::string(128, 'a')}) CHECK_FALSE(alias_problem(name));
  for (const std::string name : {"", ".", "..", ".hidden", "-a", "_a", "+a", "Docs", "a b", "a/b", "a,b", "a#b", "a:b", "a*", "a?", "a\"b", "<a>", "a|b", "a\\b", "a%b",
                                 "計算", "a\nb"}) {
    CAPTURE(name);
    CHECK(alias_problem(name));
  }
  CHECK(alias_problem(std::string(129, 'a')));
  CHECK(alias_problem(std::string("a\0b", 3)));
}

TEST_CASE("a source's indexes begin with the alias and a key of its name") {
  CHECK(docs().prefix() == "tidemark-" + docs_key + "-");
  CHECK(docs().pattern() == "tidemark-" + docs_key + "-*");
  CHECK(IndexNames("tidemark", "docs2").prefix() != docs().prefix());
  CHECK(IndexNames::fill_alias("x") == "x.fill");
  CHECK(IndexNames::write_alias("x") == "x.write");
}

TEST_CASE("a fresh name says its schema and when it was made, and can be taken apart") {
  const std::string name = docs().fresh("0123abcd", noon, 0xbeef, "");
  CHECK(name == docs().prefix() + "0123abcd-01a3185c50000000beef");
  const auto parts = docs().parse(name);
  REQUIRE(parts);
  CHECK(parts->schema == "0123abcd");
  CHECK(parts->unique == "01a3185c50000000beef");
}

TEST_CASE("a fresh name is greater than the greatest, whatever the clock says") {
  const auto unique = [](const std::string& name) { return docs().parse(name).value().unique; };
  const std::string first = docs().fresh("ffffffff", noon, 0xffffffff, "");
  for (const std::int64_t now : {noon + 1, noon, noon - 1'000'000, std::int64_t{0}, std::int64_t{-5}}) {
    const std::string next = docs().fresh("00000000", now, 0, first);
    CHECK(unique(next) > unique(first));
  }
  CHECK(unique(docs().fresh("00000000", noon + 1, 0, first)) == "01a3185c500100000000");
  const std::string last = docs().fresh("00000000", INT64_MAX, 0, "");
  CHECK(unique(docs().fresh("00000000", noon, 0, last)) > unique(last));
  CHECK(unique(docs().fresh("00000000", noon, 7, "tidemark-something-else")) == "01a3185c500000000007");
}

TEST_CASE("what is not a name of this source is none") {
  const std::string name = docs().fresh("0123abcd", noon, 1, "");
  const std::string prefix = docs().prefix();
  for (const std::string& other : {std::string(), prefix, name + ".fill", name + "0", name.substr(0, name.size() - 1), "x" + name, prefix + "0123ABCD-01a3185c500000000001",
                                   prefix + "0123abcd-01a3185c50000000000g", prefix + "0123abcd.01a3185c500000000001", prefix + "0123abcd-ffffffffffff00000001",
                                   IndexNames("tidemark", "other").fresh("0123abcd", noon, 1, ""), IndexNames("tidemark-" + docs_key, "docs").fresh("0123abcd", noon, 1, "")}) {
    CAPTURE(other);
    CHECK_FALSE(docs().parse(other));
  }
}

}  // namespace tidemark::ingest::elasticsearch
