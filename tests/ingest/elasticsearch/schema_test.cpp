#include "ingest/elasticsearch/schema.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "ingest/elasticsearch/product.hpp"

namespace tidemark::ingest::elasticsearch {
namespace {

using nlohmann::json;

const IndexMeta meta{.alias = "tidemark", .source = "docs", .schema = "0123abcd", .version = schema_version, .physical = "tidemark-x"};

json body_of(const SchemaChoice& choice) { return json::parse(create_index_body(choice, meta, "tidemark-x.fill")); }

std::vector<SchemaChoice> choices() {
  std::vector<SchemaChoice> all;
  for (const Product product : {Product::elasticsearch, Product::opensearch}) {
    for (const CjkAnalysis cjk : {CjkAnalysis::kuromoji, CjkAnalysis::cjk, CjkAnalysis::standard}) all.push_back({.product = product, .cjk = cjk});
  }
  return all;
}

void check_keywords(const json& properties) {
  for (const auto& [name, field] : properties.items()) {
    CAPTURE(name);
    if (field.value("type", "") == "keyword") CHECK(field.value("ignore_above", 0) > 0);
    if (field.contains("properties")) check_keywords(field["properties"]);
  }
}

}  // namespace

TEST_CASE("an index that is made says whose it is, takes no field that it does not know, and bounds every keyword") {
  for (const SchemaChoice& choice : choices()) {
    const json body = body_of(choice);
    CHECK(body["mappings"]["_meta"] == json{{"alias", "tidemark"}, {"source", "docs"}, {"schema", "0123abcd"}, {"version", schema_version}, {"physical", "tidemark-x"}});
    CHECK(body["mappings"]["dynamic"] == false);
    CHECK(body["mappings"]["properties"]["state"] == json{{"type", "object"}, {"enabled", false}});
    CHECK(body["aliases"] == json{{"tidemark-x.fill", json::object()}});
    CHECK(body["settings"]["index"]["refresh_interval"] == "-1");
    CHECK(body["settings"]["index"]["number_of_replicas"] == 0);
    CHECK(body["settings"]["index"]["gc_deletes"] == "1h");
    CHECK(body["settings"]["index"]["default_pipeline"] == "_none");
    check_keywords(body["mappings"]["properties"]);
  }
}

TEST_CASE("the schema's hash changes with all that a rebuild is for, and with nothing else") {
  std::set<std::string> hashes;
  for (const SchemaChoice& choice : choices()) hashes.insert(schema_hash(choice));
  CHECK(hashes.size() == choices().size());
  SchemaChoice choice;
  const std::string hash = schema_hash(choice);
  CHECK(hash.size() == 8);
  CHECK(hash.find_first_not_of("0123456789abcdef") == std::string::npos);
  choice.replicas = 2;
  CHECK(schema_hash(choice) == hash);
  choice.shards = 2;
  CHECK(schema_hash(choice) != hash);
}

TEST_CASE("before the swap an index gets its copies and a refresh interval") {
  const json settings = json::parse(serving_settings_body({.replicas = 2}));
  CHECK(settings == json{{"index", {{"refresh_interval", "-1"}, {"number_of_replicas", 2}}}});
}

TEST_CASE("readers see documents by what they are, not what they are not") {
  CHECK(json::parse(reader_filter()) == json{{"terms", {{"kind", json::array({"page", "data"})}}}});
}

TEST_CASE("each product closes a point in time in its own way, whatever its id holds") {
  CHECK(open_point_in_time_path(Product::elasticsearch, "i", "1m") == "/i/_pit?keep_alive=1m");
  CHECK(open_point_in_time_path(Product::opensearch, "i", "1m") == "/i/_search/point_in_time?keep_alive=1m");
  const std::string id = "a\"\\b";
  const CloseRequest elastic = close_point_in_time(Product::elasticsearch, id);
  CHECK(elastic.path == "/_pit");
  CHECK(json::parse(elastic.body) == json{{"id", id}});
  const CloseRequest open = close_point_in_time(Product::opensearch, id);
  CHECK(open.path == "/_search/point_in_time");
  CHECK(json::parse(open.body) == json{{"pit_id", json::array({id})}});
}

}  // namespace tidemark::ingest::elasticsearch
