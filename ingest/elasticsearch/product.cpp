#include "ingest/elasticsearch/product.hpp"

#include "ingest/json_text.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

std::string quoted(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

std::string_view name_of(Product product) { return product == Product::elasticsearch ? "elasticsearch" : "opensearch"; }

std::string open_point_in_time_path(Product product, std::string_view index, std::string_view keep_alive) {
  const std::string_view verb = product == Product::elasticsearch ? "/_pit" : "/_search/point_in_time";
  return '/' + std::string(index) + std::string(verb) + "?keep_alive=" + std::string(keep_alive);
}

std::string_view point_in_time_id_field(Product product) { return product == Product::elasticsearch ? "id" : "pit_id"; }

CloseRequest close_point_in_time(Product product, std::string_view id) {
  if (product == Product::elasticsearch) return {.path = "/_pit", .body = "{\"id\":" + quoted(id) + '}'};
  return {.path = "/_search/point_in_time", .body = "{\"pit_id\":[" + quoted(id) + "]}"};
}

std::string whole_object_mapping(Product product) {
  return product == Product::elasticsearch ? R"({"type":"flattened","depth_limit":20,"ignore_above":8191})" : R"({"type":"flat_object"})";
}

std::string_view max_analyzed_offset_parameter(Product product) {
  return product == Product::elasticsearch ? "max_analyzed_offset" : "max_analyzer_offset";
}

}  // namespace tidemark::ingest::elasticsearch
