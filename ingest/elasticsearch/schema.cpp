#include "ingest/elasticsearch/schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "ingest/elasticsearch/analysis.hpp"
#include "ingest/fingerprint.hpp"
#include "ingest/search.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using Json = nlohmann::ordered_json;

// A term may have 32,766 bytes: 8,191 characters of four bytes. Longer values are stored and not found.
constexpr int max_keyword_characters = 8'191;
constexpr int max_term_bytes = 32'766;

Json keyword(int ignore_above = max_keyword_characters) { return {{"type", "keyword"}, {"ignore_above", ignore_above}}; }

Json kept_text() { return {{"type", "keyword"}, {"ignore_above", max_keyword_characters}, {"index", false}, {"doc_values", false}}; }

Json kept_json() { return {{"type", "object"}, {"enabled", false}}; }

// `path` as people see it is at most three times as long as the 4,096 bytes that it was made of, and then pure ASCII.
Json path_mapping(CjkAnalysis cjk) {
  Json mapping = keyword(max_term_bytes);
  if (has_path_tree(cjk)) mapping["fields"]["tree"] = {{"type", "text"}, {"analyzer", "tidemark_path"}, {"search_analyzer", "keyword"}, {"norms", false}};
  return mapping;
}

Json sections_mapping(CjkAnalysis cjk) {
  return {{"type", "nested"},
          {"dynamic", false},
          {"properties",
           {{"anchor", keyword()},
            {"level", {{"type", "byte"}}},
            {"position", {{"type", "integer"}}},
            {"heading", prose_mapping(cjk)},
            {"breadcrumb", kept_text()},
            {"content", prose_mapping(cjk)},
            {"code", code_mapping(cjk)}}}};
}

Json mappings(const SchemaChoice& choice) {
  Json tags = keyword();
  tags["fields"]["text"] = code_mapping(choice.cjk);
  Json properties = {{"kind", keyword()},
                     {"source", keyword()},
                     {"repo", keyword()},
                     {"ref", keyword()},
                     {"path", path_mapping(choice.cjk)},
                     {"path_key", keyword(max_term_bytes)},
                     {"fragment", keyword()},
                     {"fragment_key", keyword(max_term_bytes)},
                     {"oid", keyword()},
                     {"fingerprint", keyword()},
                     {"lang", keyword()},
                     {"size", {{"type", "long"}}},
                     {"title", prose_mapping(choice.cjk)},
                     {"description", prose_mapping(choice.cjk)},
                     {"tags", std::move(tags)},
                     {"date", {{"type", "date"}, {"format", "strict_date_optional_time"}, {"ignore_malformed", true}}},
                     {"draft", {{"type", "boolean"}}},
                     {"url", keyword()},
                     {"id", keyword()},
                     {"front_matter", Json::parse(whole_object_mapping(choice.product))},
                     {"front_matter_text", kept_json()},
                     {"problems", kept_json()},
                     {"sections", sections_mapping(choice.cjk)},
                     {"generation", {{"type", "long"}}},
                     {"version", {{"type", "long"}}},
                     {"revision", keyword()},
                     {"committed_at", {{"type", "long"}}},
                     {"quarantined", {{"dynamic", false}, {"properties", {{"reason", kept_text()}}}}},
                     {"state", kept_json()}};
  return {{"dynamic", false}, {"properties", std::move(properties)}};
}

// What of the settings an index keeps. A template of the cluster's must not put a pipeline between us and the index.
Json lasting_settings(const SchemaChoice& choice) {
  return {{"number_of_shards", choice.shards},
          {"gc_deletes", "1h"},
          {"max_result_window", max_search_window},
          {"default_pipeline", "_none"},
          {"final_pipeline", "_none"},
          {"mapping", {{"nested_objects", {{"limit", 10'000}}}}},
          {"highlight", {{"max_analyzed_offset", 1'000'000}}},
          {"analysis", analysis_settings(choice.cjk)}};
}

}  // namespace

std::string_view name_of(CjkAnalysis analysis) {
  switch (analysis) {
    case CjkAnalysis::kuromoji: return "kuromoji";
    case CjkAnalysis::cjk: return "cjk";
    case CjkAnalysis::standard: return "standard";
  }
  return "";
}

std::string schema_hash(const SchemaChoice& choice) {
  const Json hashed = {schema_version, lasting_settings(choice), mappings(choice)};
  return digest(hashed.dump()).hex().substr(0, 8);
}

std::string create_index_body(const SchemaChoice& choice, const IndexMeta& meta, std::string_view fill_alias) {
  Json settings = lasting_settings(choice);
  settings["number_of_replicas"] = 0;
  settings["refresh_interval"] = "-1";
  Json mapping = {{"_meta",
                   {{"alias", meta.alias}, {"source", meta.source}, {"schema", meta.schema}, {"version", meta.version}, {"physical", meta.physical}}}};
  mapping.update(mappings(choice));
  const Json body = {{"settings", {{"index", std::move(settings)}}}, {"mappings", std::move(mapping)}, {"aliases", {{std::string(fill_alias), Json::object()}}}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string serving_settings_body(const SchemaChoice& choice) {
  return Json{{"index", {{"refresh_interval", "-1"}, {"number_of_replicas", choice.replicas}}}}.dump();
}

std::string reader_filter() { return R"({"terms":{"kind":["page","data"]}})"; }

}  // namespace tidemark::ingest::elasticsearch
