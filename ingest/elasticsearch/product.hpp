// The one place where Elasticsearch and OpenSearch differ. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::ingest::elasticsearch {

enum class Product { elasticsearch, opensearch };

std::string_view name_of(Product product);  // "elasticsearch", "opensearch": the engine's kind

// A point in time (a frozen view of one index): POST opens it; the answer's field with its id; how it is closed.
std::string open_point_in_time_path(Product product, std::string_view index, std::string_view keep_alive);
std::string_view point_in_time_id_field(Product product);  // "id", "pit_id"
struct CloseRequest {
  std::string path;
  std::string body;
};
CloseRequest close_point_in_time(Product product, std::string_view id);  // a DELETE

// The mapping of a field that holds a whole JSON object: `flattened` with its limits, `flat_object`, which takes none.
std::string whole_object_mapping(Product product);
std::string_view max_analyzed_offset_parameter(Product product);  // of a highlight

}  // namespace tidemark::ingest::elasticsearch
