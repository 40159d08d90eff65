#include "ingest/elasticsearch/listing_page.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using namespace tidemark::ingest::elasticsearch;

constexpr const char* head = R"({"pit_id":"o463QQEKdGVz","timed_out":false,"_shards":{"failed":0},"hits":{"hits":[)";

// As OpenSearch 3 answers.
std::string row(const std::string& id, const std::string& key) {
  return fmt::format(R"({{"_id":"{}","_version":2000,"fields":{{"kind":["page"],"fingerprint":["ab12"],"path_key":["{}"],"fragment_key":[""],)"
                     R"("generation":[1000],"version":[2000]}},"sort":["{}","",7]}})",
                     id, key, key);
}

std::vector<ListingRow> rows_of(const std::string& answer, bool& whole) {
  std::vector<ListingRow> rows;
  whole = read_listing_page(answer, [&](const ListingRow& each) {
            rows.push_back(each);
            return true;
          }).whole;
  return rows;
}

}  // namespace

TEST_CASE("a page's rows come in order with their id, version and fields") {
  bool whole = false;
  const auto rows = rows_of(head + row("first", "612e6d64") + "," + row("second", "622e6d64") + "]}}", whole);
  CHECK(whole);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id == "first");
  CHECK(rows[1].id == "second");
  CHECK(rows[1].path_key == "622e6d64");
  CHECK(rows[1].fragment_key == "");
  CHECK(rows[1].fingerprint == "ab12");
  CHECK(rows[1].kind == "page");
  CHECK(rows[1].version == 2000);
  CHECK(rows[1].generation == 1000);
  CHECK(rows[1].written_with == 2000);
}

TEST_CASE("a row keeps nothing of the one before it") {
  bool whole = false;
  const auto rows = rows_of(head + row("ours", "612e6d64") + R"(,{"_id":"theirs","_version":1,"sort":[null,null,3]}]}})", whole);
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].id == "theirs");
  CHECK(rows[1].version == 1);
  CHECK_FALSE(rows[1].path_key);
  CHECK_FALSE(rows[1].fingerprint);
  CHECK_FALSE(rows[1].generation);
}

TEST_CASE("a field with several values, or with one of another kind, counts as none") {
  bool whole = false;
  const auto rows = rows_of(head + std::string(R"({"_id":"x","fields":{"path_key":["61","62"],"kind":["a","b","c"],"generation":[1,2],"version":["7"],)"
                                               R"("fingerprint":[5]}}]}})"),
                            whole);
  REQUIRE(rows.size() == 1);
  CHECK_FALSE(rows[0].path_key);
  CHECK_FALSE(rows[0].kind);
  CHECK_FALSE(rows[0].generation);
  CHECK_FALSE(rows[0].written_with);
  CHECK_FALSE(rows[0].fingerprint);
}

TEST_CASE("an empty page is whole; filter_path leaves the rows out") {
  bool whole = false;
  CHECK(rows_of(R"({"pit_id":"x","timed_out":false,"_shards":{"failed":0}})", whole).empty());
  CHECK(whole);
}

TEST_CASE("a page that failed, timed out, says nothing of it or was cut off is not whole") {
  bool whole = true;
  const std::string one = row("first", "612e6d64");
  rows_of(R"({"timed_out":false,"_shards":{"failed":1},"hits":{"hits":[)" + one + "]}}", whole);
  CHECK_FALSE(whole);
  rows_of(R"({"timed_out":true,"_shards":{"failed":0},"hits":{"hits":[)" + one + "]}}", whole);
  CHECK_FALSE(whole);
  rows_of(R"({"hits":{"hits":[)" + one + "]}}", whole);
  CHECK_FALSE(whole);
  const std::string answer = head + one + "]}}";
  for (std::size_t length = 0; length < answer.size(); ++length) {
    rows_of(answer.substr(0, length), whole);
    CHECK_FALSE(whole);
  }
}

TEST_CASE("names that a document could have in its values change nothing") {
  const std::string trap = R"(\"sort\":[9],\"_id\":\"x\",\"pit_id\":\"y\",\"timed_out\":true)";
  const std::string answer = head + row("first", "612e6d64") + R"(,{"_id":")" + trap + R"(","_version":1,"fields":{"kind":[")" + trap + R"("]},"sort":["zz","",9]}]}})";
  bool whole = false;
  CHECK(rows_of(answer, whole).size() == 2);
  CHECK(whole);
  const auto next = next_page(answer);
  CHECK(next.point_in_time == "o463QQEKdGVz");
  CHECK(next.after == R"(["zz","",9])");
}

TEST_CASE("the next page is expected after a full one alone, and begins after its last row") {
  std::string answer = head;
  for (int number = 0; number < listing_page - 1; ++number) answer += row(fmt::format("id{}", number), fmt::format("{:08x}", number)) + ",";
  const std::string short_page = answer + "]}}";
  CHECK_FALSE(next_page(short_page).expected);
  const auto next = next_page(answer + row("last", "ffff") + "]}}");
  CHECK(next.expected);
  CHECK(next.after == R"(["ffff","",7])");
}

TEST_CASE("a request names the view, the page's size and where it begins") {
  const auto body = nlohmann::json::parse(listing_body("view", "5m", R"(["61","",7])"));
  CHECK(body.at("pit") == nlohmann::json{{"id", "view"}, {"keep_alive", "5m"}});
  CHECK(body.at("size") == listing_page);
  CHECK(body.at("search_after") == nlohmann::json{"61", "", 7});
  CHECK_FALSE(nlohmann::json::parse(listing_body("view", "5m", "")).contains("search_after"));
}
