#include "ingest/elasticsearch/bulk_decoder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace tidemark::ingest::elasticsearch {
namespace {

using nlohmann::json;

// As OpenSearch 3.8 and Elasticsearch 9.2 answered, shortened where it says nothing.
const std::string created = R"({"index":{"_index":"i","_id":"g","_version":5,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":7,"_primary_term":1,"status":201}})";
const std::string updated = R"({"index":{"_index":"i","_id":"g","_version":5,"result":"updated","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":8,"_primary_term":1,"status":200}})";
const std::string deleted = R"({"delete":{"_index":"i","_id":"g","_version":5,"result":"deleted","_seq_no":9,"_primary_term":1,"status":200}})";
const std::string nothing_to_delete = R"({"delete":{"_index":"i","_id":"zz","_version":4,"result":"not_found","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":3,"_primary_term":1,"status":404}})";
const std::string conflict = R"({"index":{"_index":"i","_id":"i","status":409,"error":{"type":"version_conflict_engine_exception","reason":"[i]: version conflict, current version [5] is higher than the one provided [4]","index":"i","shard":"0","index_uuid":"gv"}}})";
const std::string guard_alive = R"({"update":{"_index":"i","_id":"tidemark-guard","status":404,"error":{"type":"document_missing_exception","reason":"[tidemark-guard]: document missing","index":"i","shard":"0","index_uuid":"gv"}}})";
const std::string mapper = R"({"index":{"_index":"i","_id":"a","status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [size]","caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"x\""}}}})";

std::string error_item(const std::string& action, int status, const std::string& type, const std::string& reason = "why") {
  return json{{action, {{"_id", "x"}, {"status", status}, {"error", {{"type", type}, {"reason", reason}}}}}}.dump();
}

std::string answer_of(const std::vector<std::string>& items) {
  std::string body = R"({"took":30,"errors":true,"items":[)";
  for (std::size_t i = 0; i < items.size(); ++i) body += (i == 0 ? "" : ",") + items[i];
  return body + "]}";
}

std::optional<BulkAnswer> decode(const std::vector<std::string>& items) {
  std::string problem;
  auto answer = decode_bulk(answer_of(items), items.size(), problem);
  CHECK(answer.has_value() == problem.empty());
  return answer;
}

std::optional<ItemVerdict> verdict(const std::string& item) {
  const auto answer = decode({item});
  return answer ? std::optional(answer->items.at(0).verdict) : std::nullopt;
}

}  // namespace

TEST_CASE("every item of an answer is read, in order") {
  const auto answer = decode({created, updated, deleted, nothing_to_delete, conflict, guard_alive, mapper});
  REQUIRE(answer);
  std::vector<ItemVerdict> verdicts;
  for (const BulkItem& item : answer->items) verdicts.push_back(item.verdict);
  using enum ItemVerdict;
  CHECK(verdicts == std::vector{applied, applied, applied, applied, conflict, applied, document_refused});
  CHECK(answer->items[0].created);
  CHECK_FALSE(answer->items[1].created);
  CHECK(answer->items[2].deleted);
  CHECK_FALSE(answer->items[3].deleted);
  CHECK(answer->items[0].seq_no == 7);
  CHECK(answer->items[3].seq_no == 3);
  CHECK_FALSE(answer->items[4].seq_no);
  CHECK(answer->items[3].status == 404);
  CHECK(answer->items[6].reason == "mapper_parsing_exception: failed to parse field [size]: For input string: \"x\"");
}

TEST_CASE("a block, a closed and a lost index concern the index, overload passes") {
  using enum ItemVerdict;
  CHECK(verdict(error_item("index", 403, "cluster_block_exception")) == index_blocked);
  CHECK(verdict(error_item("index", 429, "cluster_block_exception")) == index_blocked);
  CHECK(verdict(error_item("delete", 429, "cluster_block_exception")) == index_blocked);
  CHECK(verdict(error_item("index", 400, "index_closed_exception")) == index_blocked);
  CHECK(verdict(error_item("index", 404, "index_not_found_exception")) == index_missing);
  CHECK(verdict(error_item("delete", 404, "index_not_found_exception")) == index_missing);
  CHECK(verdict(error_item("update", 404, "index_not_found_exception")) == index_missing);
  CHECK(verdict(error_item("index", 400, "illegal_argument_exception", "no write index is defined for alias [x]. The write index may be explicitly disabled")) == index_missing);
  CHECK(verdict(error_item("index", 429, "es_rejected_execution_exception")) == overloaded);
  CHECK(verdict(error_item("index", 429, "rejected_execution_exception")) == overloaded);
  CHECK(verdict(error_item("index", 429, "circuit_breaking_exception")) == overloaded);
  CHECK(verdict(error_item("index", 503, "unavailable_shards_exception")) == overloaded);
  CHECK(verdict(error_item("index", 503, "cluster_block_exception")) == overloaded);
  for (const int status : {500, 502, 504}) CHECK(verdict(error_item("index", status, "anything")) == overloaded);
}

TEST_CASE("only what the document causes is the document's fault") {
  using enum ItemVerdict;
  for (const char* type : {"mapper_parsing_exception", "document_parsing_exception", "strict_dynamic_mapping_exception", "max_bytes_length_exceeded_exception"}) {
    CHECK(verdict(error_item("index", 400, type)) == document_refused);
  }
  CHECK(verdict(error_item("index", 400, "illegal_argument_exception", "Document contains at least one immense term in field=\"title\"")) == document_refused);
  CHECK(verdict(error_item("index", 400, "illegal_argument_exception", "The number of nested documents has exceeded the allowed limit of [10000].")) == document_refused);
}

TEST_CASE("an error that nobody has listed makes the whole answer a problem") {
  for (const std::string& item :
       {error_item("index", 400, "illegal_argument_exception", "something new"), error_item("index", 400, "brand_new_exception"), error_item("index", 403, "security_exception"),
        error_item("index", 404, "document_missing_exception"), error_item("delete", 404, "brand_new_exception"), error_item("index", 400, ""),
        error_item("index", 409, "brand_new_exception"), error_item("index", 200, "mapper_parsing_exception"), error_item("index", 0, "mapper_parsing_exception"),
        error_item("index", 400, "routing_missing_exception"), std::string(R"({"index":{"status":404,"result":"not_found"}})"), std::string(R"({"index":{"_id":"x"}})"),
        std::string(R"({"index":{"status":302}})"), std::string(R"({"index":{"status":"201"}})"), std::string(R"({"index":{"status":201.0}})"),
        std::string(R"({"index":{"status":4294967497}})"), std::string(R"({"index":{"status":400,"error":"in words"}})"), std::string(R"({"delete":{"status":404,"result":"deleted"}})"),
        std::string(R"({"index":{"status":201,"error":{}}})"), std::string(R"({"index":{"status":201,"error":"x"}})")}) {
    CAPTURE(item);
    CHECK_FALSE(decode({created, item}));
  }
}

TEST_CASE("verdicts by status and type alone, for a whole request") {
  CHECK(verdict_of(429, "", false) == ItemVerdict::overloaded);
  CHECK(verdict_of(503, "", false) == ItemVerdict::overloaded);
  CHECK(verdict_of(404, "index_not_found_exception", false) == ItemVerdict::index_missing);
  CHECK(verdict_of(404, "", true) == ItemVerdict::applied);
  CHECK_FALSE(verdict_of(404, "", false));
  CHECK_FALSE(verdict_of(413, "", false));
  CHECK_FALSE(verdict_of(400, "illegal_argument_exception", false));
  CHECK_FALSE(verdict_of(403, "security_exception", false));
}

TEST_CASE("an answer that is not whole is none") {
  std::string problem;
  const std::string two = answer_of({created, deleted});
  CHECK(decode_bulk(two, 2, problem));
  for (const std::size_t expected : {0, 1, 3}) CHECK_FALSE(decode_bulk(two, expected, problem));
  for (const std::string& body :
       {std::string(), std::string("<html>502 Bad Gateway</html>"), std::string("[]"), std::string("null"), std::string("{}"), std::string(R"({"errors":false})"),
        std::string(R"({"items":{}})"), std::string(R"({"items":null})"), std::string(R"({"items":[],"items":[]})"), two + two, two + "x", std::string(R"({"error":{"items":[]}})"),
        std::string(R"([{"items":[]}])")}) {
    CAPTURE(body);
    CHECK_FALSE(decode_bulk(body, 0, problem));
    CHECK_FALSE(problem.empty());
  }
  for (const std::string item : {"null", "7", "[]", "{}", R"({"index":null})", R"({"index":[]})", R"({"index":201})", R"({"index":{"status":201},"delete":{"status":200}})",
                                 R"({"create":{"status":201}})", R"({"noop":{"status":200}})"}) {
    CAPTURE(item);
    CHECK_FALSE(decode_bulk(answer_of({item}), 1, problem));
  }
  CHECK(decode_bulk(R"({"items":[]})", 0, problem));
}

TEST_CASE("members of the same names elsewhere mean nothing") {
  const std::string nested = R"({"index":{"_shards":{"status":201,"error":{"type":"t"},"failures":[{"status":500,"items":[1,{"index":{"status":1}}]}]},"status":201,"_seq_no":4}})";
  const auto answer = decode({nested});
  REQUIRE(answer);
  CHECK(answer->items[0].verdict == ItemVerdict::applied);
  CHECK(answer->items[0].seq_no == 4);
  std::string problem;
  CHECK(decode_bulk(R"({"ingest":{"items":[1,2]},"more":[[{"items":3}]],"items":[)" + created + "]}", 1, problem));
}

TEST_CASE("hostile answers are bounded") {
  std::string problem;
  const std::string deep(1'000'000, '[');
  CHECK_FALSE(decode_bulk(R"({"items":)" + deep, 1, problem));
  CHECK_FALSE(decode_bulk(R"({"x":)" + deep, 1, problem));
  const std::string huge(1'000'000, 'x');
  const auto answer = decode({error_item("index", 400, "mapper_parsing_exception", huge)});
  REQUIRE(answer);
  CHECK(answer->items[0].reason.size() == 500);
  CHECK_FALSE(decode({error_item("index", 400, huge)}));
  std::string kanji;
  for (int i = 0; i < 1'000; ++i) kanji += "計";
  const auto cut = decode({error_item("index", 400, "mapper_parsing_exception", kanji)});
  REQUIRE(cut);
  CHECK(cut->items[0].reason.size() <= 500);
  CHECK(cut->items[0].reason.ends_with("計"));
}

TEST_CASE("a truncated answer is never read as one with fewer items") {
  const std::string body = answer_of({created, conflict, mapper, nothing_to_delete, guard_alive});
  for (std::size_t length = 0; length < body.size(); ++length) {
    for (std::size_t expected = 0; expected <= 5; ++expected) {
      std::string problem;
      CHECK_FALSE(decode_bulk(std::string_view(body).substr(0, length), expected, problem));
    }
  }
}

TEST_CASE("a mutated answer never crashes, and never turns a failed item into an applied one by losing bytes") {
  const std::string body = answer_of({created, conflict, mapper, error_item("index", 503, "unavailable_shards_exception"), nothing_to_delete});
  std::mt19937 random(20'261'121);
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string mutated = body;
    const std::size_t at = below(body.size());
    switch (below(4)) {
      case 0: mutated.erase(at, 1 + below(200)); break;
      case 1: mutated[at] = static_cast<char>(below(256)); break;
      case 2: mutated.insert(at, mutated.substr(below(body.size()), 1 + below(200))); break;
      default: std::swap(mutated[at], mutated[below(body.size())]);
    }
    std::string problem;
    const auto answer = decode_bulk(mutated, 5, problem);
    if (!answer) {
      CHECK_FALSE(problem.empty());
      continue;
    }
    ++read;
    CHECK(answer->items.size() == 5);
    for (const BulkItem& item : answer->items) {
      const bool done = item.verdict == ItemVerdict::applied;
      CHECK(done == (item.status == 200 || item.status == 201 || item.status == 404));
    }
  }
  CHECK(read > 1'000);
}

}  // namespace tidemark::ingest::elasticsearch
