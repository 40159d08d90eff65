#include "ingest/elasticsearch/listing.hpp"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

// Longer than a page and what is done with it takes; renewed with every page.
constexpr std::string_view keep_alive = "5m";

class PointInTime {
 public:
  PointInTime(IndexProtocol& protocol, const std::string& physical) : protocol_(protocol), product_(protocol.product()) {
    const auto answer = json::parse(protocol_.ask("POST", open_point_in_time_path(product_, physical, keep_alive)), nullptr, false);
    const auto found = answer.is_object() ? answer.find(point_in_time_id_field(product_)) : answer.end();
    if (found == answer.end() || !found->is_string()) throw InvalidAnswer("the cluster opened no point in time on " + physical);
    id_ = found->get<std::string>();
  }
  ~PointInTime() {
    try {
      const auto request = close_point_in_time(product_, id_);
      protocol_.ask_if_there("DELETE", request.path, request.body);
    } catch (const std::exception&) {
      // It ends by itself.
    }
  }
  PointInTime(const PointInTime&) = delete;
  PointInTime& operator=(const PointInTime&) = delete;

  // `after`: the sort values of the last row of the page before. `_seq_no` tells strangers apart that bear one path: no two documents of a shard share it,
  // and OpenSearch 2 has no `_shard_doc`.
  json page(const json& after) {
    json body = {{"size", listing_page},
                 {"pit", {{"id", id_}, {"keep_alive", keep_alive}}},
                 {"query", {{"bool", {{"must_not", {{{"ids", {{"values", {state_id}}}}}}}}}}},
                 {"sort", {{{"path_key", "asc"}}, {{"fragment_key", "asc"}}, {{"_seq_no", "asc"}}}},
                 {"_source", false},
                 {"docvalue_fields", {"path_key", "fragment_key", "fingerprint", "generation", "version", "kind"}},
                 {"version", true},
                 {"track_total_hits", false}};
    if (!after.is_null()) body["search_after"] = after;
    auto answer = json::parse(
        protocol_.ask("POST", "/_search?filter_path=pit_id,timed_out,_shards.failed,hits.hits._id,hits.hits._version,hits.hits.fields,hits.hits.sort",
                      body.dump()),
        nullptr, false);
    if (!answer.is_object() || answer.value("timed_out", true) || answer.value("/_shards/failed"_json_pointer, 1) != 0) {
      throw TransientError("a page of the listing is not whole: not every shard answered");
    }
    if (const auto id = answer.find("pit_id"); id != answer.end() && id->is_string()) id_ = id->get<std::string>();
    return answer.value("/hits/hits"_json_pointer, json::array());
  }

 private:
  IndexProtocol& protocol_;
  Product product_;
  std::string id_;
};

// The first value of a field, if it has exactly one.
const json* value_of(const json& hit, const char* field) {
  const auto fields = hit.find("fields");
  if (fields == hit.end() || !fields->is_object()) return nullptr;
  const auto values = fields->find(field);
  return values == fields->end() || !values->is_array() || values->size() != 1 ? nullptr : &values->front();
}

std::string text_of(const json& hit, const char* field) {
  const auto* value = value_of(hit, field);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

// Nothing for a row whose `_id` is not that of its path and fragment.
std::optional<Listed> row_of(const json& hit, const std::string& id, const std::string& source_name) {
  const auto path = path_from_key(text_of(hit, "path_key"));
  const auto fragment = path_from_key(text_of(hit, "fragment_key"));
  if (!path || !fragment) return std::nullopt;
  Listed row{.key = {.path = *path, .fragment = *fragment}, .fingerprint = {}, .quarantined = false, .altered = false};
  if (document_id(source_name, row.key.path, row.key.fragment) != id) return std::nullopt;
  const auto fingerprint = Fingerprint::from_hex(text_of(hit, "fingerprint"));
  if (fingerprint) row.fingerprint = *fingerprint;
  row.quarantined = text_of(hit, "kind") == "quarantined";
  const auto* written_with = value_of(hit, "version");
  if (written_with == nullptr) written_with = value_of(hit, "generation");
  const auto version = hit.find("_version");
  row.altered = !fingerprint || written_with == nullptr || version == hit.end() || *written_with != *version;
  return row;
}

}  // namespace

void list_index(IndexProtocol& protocol, const std::string& physical, const std::string& source_name, const std::function<bool(const Listed&)>& visit,
                const std::function<bool(const std::string& id)>& stranger) {
  PointInTime view(protocol, physical);
  json after;
  for (;;) {
    const auto hits = view.page(after);
    for (const auto& hit : hits) {
      const auto id = hit.is_object() ? hit.value("_id", "") : std::string();
      if (id.empty()) throw InvalidAnswer("a row of the listing has no _id");
      const auto row = row_of(hit, id, source_name);
      if (row ? !visit(*row) : !stranger(id)) return;
    }
    if (hits.size() < listing_page) return;
    after = hits.back().value("sort", json());
    if (!after.is_array()) throw InvalidAnswer("a page of the listing cannot be gone on from: its rows have no sort values");
  }
}

}  // namespace tidemark::ingest::elasticsearch
