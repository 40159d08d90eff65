#include "ingest/elasticsearch/listing_page.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "ingest/elasticsearch/state_document.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

// Follows the scanner through {"timed_out", "_shards": {"failed"}, "hits": {"hits": [{"_id", "_version", "fields": {NAME: [VALUE]}, ..}]}}.
class PageReader final : public nlohmann::json_sax<json> {
 public:
  explicit PageReader(const std::function<bool(const ListingRow&)>& visit) : visit_(visit) {}

  const ListingPage& page() const { return page_; }
  bool whole() const { return in_time_ && no_shard_failed_; }
  bool left() const { return left_; }  // the visitor has seen enough

  bool start_object(std::size_t) override {
    ++depth_;
    if (depth_ == row_depth && in_row()) row_ = {};
    return true;
  }
  bool end_object() override {
    const bool row_ends = depth_ == row_depth && in_row();
    --depth_;
    if (!row_ends) return true;
    ++page_.rows;
    left_ = !visit_(row_);
    return !left_;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    values_ = 0;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(std::string& name) override {
    if (depth_ < keys_.size()) keys_[depth_].swap(name);
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ == row_depth && in_row() && keys_[row_depth] == "_id") row_.id.swap(value);
    if (in_field() && is_only_value()) {
      if (auto* field = text_field()) field->emplace().swap(value);
    }
    return true;
  }
  bool number_integer(std::int64_t value) override {
    if (depth_ == 2 && keys_[1] == "_shards" && keys_[2] == "failed") no_shard_failed_ = value == 0;
    if (depth_ == row_depth && in_row() && keys_[row_depth] == "_version") row_.version = value;
    if (in_field() && is_only_value()) {
      if (auto* field = number_field()) *field = value;
    }
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    return std::in_range<std::int64_t>(value) ? number_integer(static_cast<std::int64_t>(value)) : other();
  }
  bool boolean(bool value) override {
    if (depth_ == 1 && keys_[1] == "timed_out") in_time_ = !value;
    return other();
  }
  bool number_float(double, const std::string&) override { return other(); }
  bool null() override { return other(); }
  bool binary(json::binary_t&) override { return other(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  static constexpr std::size_t row_depth = 4;    // the answer, hits, hits.hits, a row
  static constexpr std::size_t field_depth = 5;  // a row's fields
  static constexpr std::size_t value_depth = 6;  // a field's values

  bool in_row() const { return keys_[1] == "hits" && keys_[2] == "hits"; }
  bool in_field() const { return depth_ == value_depth && in_row() && keys_[row_depth] == "fields"; }

  // A second value takes the first one away.
  bool is_only_value() {
    if (++values_ == 1) return true;
    if (auto* field = text_field()) field->reset();
    if (auto* field = number_field()) field->reset();
    return false;
  }
  bool other() {
    if (in_field()) is_only_value();
    return true;
  }
  std::optional<std::string>* text_field() {
    const auto& name = keys_[field_depth];
    if (name == "path_key") return &row_.path_key;
    if (name == "fragment_key") return &row_.fragment_key;
    if (name == "fingerprint") return &row_.fingerprint;
    if (name == "kind") return &row_.kind;
    return nullptr;
  }
  std::optional<std::int64_t>* number_field() {
    const auto& name = keys_[field_depth];
    if (name == "generation") return &row_.generation;
    if (name == "version") return &row_.written_with;
    return nullptr;
  }

  const std::function<bool(const ListingRow&)>& visit_;
  ListingPage page_;
  ListingRow row_;
  std::array<std::string, value_depth + 1> keys_;  // of each level the member that is being read
  std::size_t depth_ = 0;
  std::size_t values_ = 0;  // of the field that is being read
  bool in_time_ = false;
  bool no_shard_failed_ = false;
  bool left_ = false;
};

json exists(std::string_view field) { return {{"exists", {{"field", field}}}}; }

json page_body(std::string_view point_in_time, std::string_view keep_alive) {
  return {{"size", listing_page},
          {"pit", {{"id", point_in_time}, {"keep_alive", keep_alive}}},
          {"_source", false},
          {"version", true},
          {"track_total_hits", false}};
}

}  // namespace

std::string listing_path() {
  return "/_search?filter_path=pit_id,timed_out,_shards.failed,hits.hits._id,hits.hits._version,hits.hits.fields,hits.hits.sort";
}

std::string listing_body(std::string_view point_in_time, std::string_view keep_alive, std::string_view after) {
  json body = page_body(point_in_time, keep_alive);
  body["query"] = {{"bool", {{"filter", {exists("path_key"), exists("fragment_key")}}}}};
  // `_seq_no` tells strangers apart that bear one path: no two documents of a shard share it, and OpenSearch 2 has no `_shard_doc`.
  body["sort"] = {{{"path_key", "asc"}}, {{"fragment_key", "asc"}}, {{"_seq_no", "asc"}}};
  body["docvalue_fields"] = {"path_key", "fragment_key", "fingerprint", "generation", "version", "kind"};
  if (!after.empty()) body["search_after"] = json::parse(after);
  return body.dump();
}

std::string keyless_body(std::string_view point_in_time, std::string_view keep_alive) {
  json body = page_body(point_in_time, keep_alive);
  const json with_key = {{"bool", {{"filter", {exists("path_key"), exists("fragment_key")}}}}};
  body["query"] = {{"bool", {{"must_not", {{{"ids", {{"values", {state_id}}}}}, with_key}}}}};
  body["sort"] = {"_doc"};
  return body.dump();
}

// A name with its quotation marks unescaped cannot stand inside of a value.
NextPage next_page(std::string_view answer) {
  constexpr std::string_view point_in_time = "\"pit_id\":";
  constexpr std::string_view id = "\"_id\":";
  constexpr std::string_view sort = "\"sort\":";
  NextPage next;
  if (const auto found = answer.find(point_in_time); found != std::string_view::npos) {
    const auto begin = answer.find('"', found + point_in_time.size());
    const auto end = answer.find('"', begin + 1);
    if (end != std::string_view::npos) next.point_in_time = answer.substr(begin + 1, end - begin - 1);
  }
  if (const auto found = answer.rfind(sort); found != std::string_view::npos) {
    const auto begin = found + sort.size();
    const auto end = answer.find(']', begin);
    const auto values = answer.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin);
    if (json::accept(values)) next.after = values;
  }
  int rows = 0;
  for (auto at = answer.find(id); at != std::string_view::npos; at = answer.find(id, at + id.size())) ++rows;
  next.expected = rows >= listing_page;
  return next;
}

ListingPage read_listing_page(std::string_view answer, const std::function<bool(const ListingRow&)>& visit) {
  PageReader reader(visit);
  const bool valid = json::sax_parse(answer.begin(), answer.end(), &reader);
  auto page = reader.page();
  page.whole = reader.left() || (valid && reader.whole());
  return page;
}

}  // namespace tidemark::ingest::elasticsearch
