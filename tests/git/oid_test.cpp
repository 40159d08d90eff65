#include "git/oid.hpp"

#include <doctest/doctest.h>

#include <string>

using tidemark::git::Oid;

TEST_CASE("an id is read from exactly 40 hexadecimal digits of either case and written in lower case") {
  const std::string hex = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
  REQUIRE(Oid::parse(hex));
  CHECK(Oid::parse(hex)->hex() == hex);
  CHECK(Oid::parse("E69DE29BB2D1D6434B8B29AE775AD8C2E48C5391") == Oid::parse(hex));
  CHECK_FALSE(Oid::parse(hex.substr(1)));
  CHECK_FALSE(Oid::parse(hex + "0"));
  CHECK_FALSE(Oid::parse(""));
  CHECK_FALSE(Oid::parse("g69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
  CHECK_FALSE(Oid::parse(" 69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
}

TEST_CASE("an id is read from exactly 20 bytes") {
  const std::string raw("\xe6\x9d\xe2\x9b\xb2\xd1\xd6\x43\x4b\x8b\x29\xae\x77\x5a\xd8\xc2\xe4\x8c\x53\x91", 20);
  REQUIRE(Oid::from_bytes(raw));
  CHECK(Oid::from_bytes(raw)->hex() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  CHECK(Oid::from_bytes(raw)->bytes() == raw);
  CHECK_FALSE(Oid::from_bytes(raw.substr(1)));
  CHECK_FALSE(Oid::from_bytes(raw + "x"));
}

TEST_CASE("the null id is what a default one is, and ids are ordered by their bytes") {
  CHECK(Oid{}.is_null());
  CHECK(Oid{}.hex() == std::string(40, '0'));
  CHECK(*Oid::parse("7f" + std::string(38, 'f')) < *Oid::parse("80" + std::string(38, '0')));
}
