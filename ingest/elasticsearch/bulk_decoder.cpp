// The answer is read event by event, without a tree of values: what is of no use is skipped whatever its size.
#include "ingest/elasticsearch/bulk_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

constexpr std::size_t max_reason_bytes = 500;
constexpr std::size_t max_json_depth = 64;

// Errors that the document itself causes, whatever their status.
constexpr std::array<std::string_view, 9> document_errors{"mapper_parsing_exception",
                                                          "document_parsing_exception",
                                                          "strict_dynamic_mapping_exception",
                                                          "max_bytes_length_exceeded_exception",
                                                          "x_content_parse_exception",
                                                          "json_parse_exception",
                                                          "json_e_o_f_exception",
                                                          "stream_constraints_exception",
                                                          "input_coercion_exception"};

// An illegal_argument_exception may mean anything; these words (in lower case) are about the document.
constexpr std::array<std::string_view, 7> document_reasons{"immense term",
                                                           "immense field",
                                                           "the number of nested documents has exceeded",
                                                           "flattened field",
                                                           "flat_object",
                                                           "is too long, must be no longer than",
                                                           "exceeded the maximum nested depth"};

struct ItemError {
  bool present = false;
  std::string type;
  std::string reason;
  std::string cause;
};

struct RawItem {
  std::string action;
  std::int64_t status = 0;
  std::string result;
  std::optional<std::int64_t> seq_no;
  ItemError error;
};

bool contains_any(std::string_view text, const auto& words) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string bounded(std::string text) {
  text.resize(parser::utf8::prefix_of_bytes(text, max_reason_bytes).size());
  return text;
}

std::string words_of(const ItemError& error) {
  std::string words = error.type;
  for (const std::string& more : {error.reason, error.cause}) {
    if (more.empty()) continue;
    if (!words.empty()) words += ": ";
    words += more;
  }
  return bounded(std::move(words));
}

// By the words of an illegal_argument_exception, too.
std::optional<ItemVerdict> verdict_of(const RawItem& item) {
  const int status = static_cast<int>(item.status);
  if (item.error.type == "illegal_argument_exception" && status == 400) {
    if (contains_any(item.error.reason + ' ' + item.error.cause, document_reasons)) return ItemVerdict::document_refused;
    if (contains_any(item.error.reason, std::array<std::string_view, 1>{"no write index is defined"})) return ItemVerdict::index_missing;
    return std::nullopt;
  }
  if (item.action == "update" && status == 404 && item.error.type == "document_missing_exception") return ItemVerdict::applied;
  if (status == 404 && !item.error.present && !item.result.empty() && item.result != "not_found") return std::nullopt;
  if (item.error.present && item.error.type.empty() && status < 500) return std::nullopt;
  if (item.error.present && status < 300) return std::nullopt;
  return elasticsearch::verdict_of(status, item.error.type, item.action == "delete");
}

// nlohmann's events. The containers on the way to the current value are told apart by their depth and the keys above it:
//   {"items": [ {"index": {"status": 400, "error": {"type": …, "reason": …, "caused_by": {…}}}} ]}
//   1          2 3         4                        5                            6
class AnswerReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit AnswerReader(std::size_t expected) : expected_(expected) {}

  std::vector<RawItem>& items() { return items_; }
  const std::string& problem() const { return problem_; }
  bool whole() const { return depth_ == 0 && items_seen_; }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t number) override { return number_is(number); }
  bool number_unsigned(number_unsigned_t number) override {
    return number > number_unsigned_t{INT64_MAX} ? value() : number_is(static_cast<std::int64_t>(number));
  }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }

  bool string(string_t& text) override {
    if (!value()) return false;
    if (at_item_member() && name() == "result") items_.back().result = std::move(text);
    if (at_item_member() && name() == "error") items_.back().error = {.present = true, .type = "", .reason = std::move(text), .cause = ""};
    if (depth_ == 5 && in_error_) error_member(text);
    if (depth_ == 6 && in_error_ && in_cause_ && name() == "reason") items_.back().error.cause = bounded(std::move(text));
    return true;
  }

  bool key(string_t& text) override {
    if (depth_ == 3 && in_items_) {
      if (++keys_of_item_ > 1) return fail("an item with more than one action");
      items_.back().action = text;
    }
    keys_[depth_ - 1] = text.size() <= longest_name ? std::move(text) : std::string();
    return true;
  }

  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override {
    if (depth_ == 3 && in_items_ && keys_of_item_ != 1) return fail("an item without an action");
    return close();
  }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail(fmt::format("not JSON at byte {}", position));
  }

 private:
  static constexpr std::size_t longest_name = 32;

  const std::string& name() const { return keys_[depth_ - 1]; }
  bool at_item_member() const { return depth_ == 4 && in_items_; }
  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  // Anything but an object where an object has to be.
  bool value() {
    if (depth_ == 0) return fail("no JSON object");
    if (depth_ == 1 && name() == "items") return fail("its items are no list");
    if (depth_ == 2 && in_items_) return fail("an item that is no object");
    if (depth_ == 3 && in_items_) return fail("an item whose action is no object");
    return true;
  }

  bool number_is(std::int64_t number) {
    if (!value()) return false;
    if (at_item_member() && name() == "status") items_.back().status = number;
    if (at_item_member() && name() == "_seq_no" && number >= 0) items_.back().seq_no = number;
    return true;
  }

  void error_member(std::string& text) {
    if (name() == "type") items_.back().error.type = bounded(std::move(text));
    else if (name() == "reason") items_.back().error.reason = bounded(std::move(text));
  }

  bool open(bool object) {
    if (depth_ >= max_json_depth) return fail("nested too deep");
    if (depth_ == 0 && !object) return fail("no JSON object");
    if (depth_ == 1 && name() == "items") {
      if (object || items_seen_) return fail(object ? "its items are no list" : "two lists of items");
      in_items_ = items_seen_ = true;
    } else if (depth_ == 2 && in_items_) {
      if (!object) return fail("an item that is no object");
      if (items_.size() == expected_) return fail(fmt::format("more items than the {} that were sent", expected_));
      items_.emplace_back();
      keys_of_item_ = 0;
    } else if (depth_ == 3 && in_items_) {
      if (!object) return fail("an item whose action is no object");
    } else if (at_item_member() && name() == "error") {
      in_error_ = true;
      items_.back().error.present = true;
    } else if (depth_ == 5 && in_error_ && name() == "caused_by") {
      in_cause_ = true;
    }
    keys_[depth_++].clear();
    return true;
  }

  bool close() {
    --depth_;
    if (depth_ == 5) in_cause_ = false;
    if (depth_ == 4) in_error_ = false;
    if (depth_ == 1) in_items_ = false;
    return true;
  }

  std::size_t expected_;
  std::vector<RawItem> items_;
  std::array<std::string, max_json_depth> keys_;  // the last key of each open container; "" in a list
  std::size_t depth_ = 0;
  std::size_t keys_of_item_ = 0;
  bool in_items_ = false;
  bool items_seen_ = false;
  bool in_error_ = false;
  bool in_cause_ = false;
  std::string problem_;
};

}  // namespace

std::optional<ItemVerdict> verdict_of(int status, std::string_view type, bool is_delete) {
  const auto is = [&](std::string_view name) { return type == name; };
  if (status == 200 || status == 201) return type.empty() ? std::optional(ItemVerdict::applied) : std::nullopt;
  if (status >= 500) return ItemVerdict::overloaded;
  if (is("cluster_block_exception") || is("index_closed_exception")) return ItemVerdict::index_blocked;
  if (is("index_not_found_exception")) return ItemVerdict::index_missing;
  if (status == 429) return ItemVerdict::overloaded;
  if (status == 409) return type.empty() || is("version_conflict_engine_exception") ? std::optional(ItemVerdict::conflict) : std::nullopt;
  if (status == 404 && is_delete && type.empty()) return ItemVerdict::applied;
  if (std::find(document_errors.begin(), document_errors.end(), type) != document_errors.end()) return ItemVerdict::document_refused;
  return std::nullopt;
}

std::optional<BulkAnswer> decode_bulk(std::string_view body, std::size_t expected, std::string& problem) {
  AnswerReader reader(expected);
  const bool parsed = nlohmann::json::sax_parse(body, &reader);
  if (!parsed || !reader.whole()) {
    problem = reader.problem().empty() ? "it has no items" : reader.problem();
    return std::nullopt;
  }
  if (reader.items().size() != expected) {
    problem = fmt::format("{} items were sent, {} answered", expected, reader.items().size());
    return std::nullopt;
  }
  BulkAnswer answer;
  answer.items.reserve(expected);
  for (const RawItem& raw : reader.items()) {
    const bool update = raw.action == "update";
    const bool deletion = raw.action == "delete";
    if (!update && !deletion && raw.action != "index") {
      problem = fmt::format("item {} is neither index, delete nor update", answer.items.size());
      return std::nullopt;
    }
    const auto verdict = raw.status >= 100 && raw.status < 600 ? verdict_of(raw) : std::nullopt;
    if (!verdict) {
      problem = fmt::format("item {} has status {}: {}", answer.items.size(), raw.status, words_of(raw.error));
      return std::nullopt;
    }
    answer.items.push_back({.verdict = *verdict,
                            .status = static_cast<int>(raw.status),
                            .reason = words_of(raw.error),
                            .seq_no = raw.seq_no,
                            .created = *verdict == ItemVerdict::applied && raw.action == "index" && raw.status == 201,
                            .deleted = deletion && raw.status == 200 && *verdict == ItemVerdict::applied});
  }
  return answer;
}

}  // namespace tidemark::ingest::elasticsearch
