#include "ingest/elasticsearch/index_protocol.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ingest/elasticsearch/answers.hpp"
#include "ingest/elasticsearch/json_members.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

// How long the server waits for a primary shard that is not there before it says so: a look waits for a renewal under way.
constexpr std::string_view primary_timeout = "5s";

std::string described(std::string_view method, std::string_view path) { return fmt::format("{} {}", method, path.substr(0, path.find('?'))); }

bool is_success(const Response& response) { return response.status >= 200 && response.status < 300; }

std::optional<IndexMeta> meta_of(const json& index) {
  const auto* meta = member(index, "mappings", "_meta");
  if (meta == nullptr) return std::nullopt;
  return IndexMeta{.alias = text_of(*meta, "alias"),
                   .source = text_of(*meta, "source"),
                   .schema = text_of(*meta, "schema"),
                   .version = static_cast<int>(integer_of(*meta, "version").value_or(0)),
                   .physical = text_of(*meta, "physical")};
}

PhysicalIndex index_from(const std::string& name, const json& value) {
  PhysicalIndex index{.name = name, .uuid = "", .meta = meta_of(value), .aliases = {}, .blocks = {}, .closed = false, .final_pipeline = ""};
  if (const auto* aliases = member(value, "aliases"); aliases != nullptr && aliases->is_object()) {
    for (const auto& [alias, filter] : aliases->items()) index.aliases.insert(alias);
  }
  const auto* own = member(value, "settings", "index");
  if (own == nullptr) return index;
  index.uuid = text_of(*own, "uuid");
  index.closed = text_of(*own, "verified_before_close") == "true";
  if (const auto pipeline = text_of(*own, "final_pipeline"); pipeline != "_none") index.final_pipeline = pipeline;
  if (const auto* blocks = member(*own, "blocks"); blocks != nullptr && blocks->is_object()) {
    for (const auto& [block, on] : blocks->items()) {
      if (on == "true" || on == true) index.blocks.insert(block);
    }
  }
  return index;
}

json alias_action(const char* verb, const std::string& index, const std::string& alias) {
  return {{verb, {{"index", index}, {"alias", alias}}}};
}

json removal(const std::string& index, const std::string& alias) {
  auto action = alias_action("remove", index, alias);
  action["remove"]["must_exist"] = true;
  return action;
}

json reader_addition(const std::string& index, const std::string& alias) {
  auto action = alias_action("add", index, alias);
  action["add"]["filter"] = json::parse(reader_filter());
  return action;
}

}  // namespace

IndexProtocol::IndexProtocol(Connection& connection, IndexNames names, std::stop_token stop, Duration timeout)
    : connection_(connection), names_(std::move(names)), stop_(std::move(stop)), timeout_(timeout) {}

Response IndexProtocol::send(std::string_view method, std::string path, std::string_view body) {
  auto response = connection_.send({.method = method, .path = std::move(path), .body = body, .timeout = timeout_}, stop_);
  // A proxy's own pages carry no such header and must not settle what the product is.
  if (is_success(response)) {
    const std::lock_guard lock(mutex_);
    if (!product_) product_ = response.elastic_product ? Product::elasticsearch : Product::opensearch;
  }
  return response;
}

std::string IndexProtocol::ask(std::string_view method, std::string path, std::string_view body) {
  const auto request = described(method, path);
  auto response = send(method, std::move(path), body);
  if (!is_success(response)) throw_unexpected(response, request);
  return std::move(response.body);
}

std::optional<std::string> IndexProtocol::ask_if_there(std::string_view method, std::string path, std::string_view body) {
  const auto request = described(method, path);
  auto response = send(method, std::move(path), body);
  if (response.status == 404) return std::nullopt;
  if (!is_success(response)) throw_unexpected(response, request);
  return std::move(response.body);
}

Product IndexProtocol::product() {
  {
    const std::lock_guard lock(mutex_);
    if (product_) return *product_;
  }
  static_cast<void>(look());
  const std::lock_guard lock(mutex_);
  return product_.value();
}

std::vector<PhysicalIndex> IndexProtocol::look() {
  const auto path = fmt::format(
      "/{},{}?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=all"
      "&filter_path=*.aliases,*.mappings._meta,*.settings.index.blocks,*.settings.index.uuid,*.settings.index.verified_before_close,"
      "*.settings.index.final_pipeline",
      names_.alias(), names_.pattern());
  const auto request = described("GET", path);
  const auto response = send("GET", path);
  if (!is_success(response)) throw_unexpected(response, request);
  const auto answer = json_of(response, request);
  if (!answer.is_object()) throw InvalidAnswer(request + " was answered with what is no list of indexes");
  std::vector<PhysicalIndex> indexes;
  for (const auto& [name, value] : answer.items()) indexes.push_back(index_from(name, value));
  return indexes;
}

CjkAnalysis IndexProtocol::probe_analysis() {
  const auto has = [&](const char* analysis) {
    const auto response = send("POST", "/_analyze", analysis);
    if (!is_success(response) && response.status != 400) throw_unexpected(response, "POST /_analyze");
    return is_success(response);
  };
  if (has(R"({"tokenizer":"kuromoji_tokenizer","char_filter":["icu_normalizer"],"text":"a"})")) return CjkAnalysis::kuromoji;
  if (has(R"({"tokenizer":"standard","filter":["cjk_width","lowercase","cjk_bigram"],"text":"a"})")) return CjkAnalysis::cjk;
  return CjkAnalysis::standard;
}

IndexProtocol::StateAnswer IndexProtocol::read_state(const std::string& physical) {
  const auto path = fmt::format("/{}/_doc/{}", physical, state_id);
  const auto request = described("GET", path);
  const auto response = send("GET", path);
  if (!is_success(response) && response.status != 404) throw_unexpected(response, request);
  const auto answer = json_of(response, request);
  if (response.status == 404) return {.index_exists = member(answer, "found") != nullptr, .stored = std::nullopt, .schema = 0};
  const auto* source = member(answer, "_source");
  const auto seq_no = integer_of(answer, "_seq_no");
  const auto primary_term = integer_of(answer, "_primary_term");
  if (source == nullptr || !seq_no || !primary_term) throw InvalidAnswer(request + " was answered without the document");
  StateAnswer state;
  auto document = state_of(*source, &state.schema);
  if (document) state.stored = StoredState{.document = std::move(*document), .seq_no = *seq_no, .primary_term = *primary_term};
  return state;
}

Written IndexProtocol::write_state(const std::string& private_alias, const std::optional<StoredState>& before, StoredState& next) {
  const auto condition =
      before ? fmt::format("if_seq_no={}&if_primary_term={}", before->seq_no, before->primary_term) : std::string("op_type=create");
  const auto path = fmt::format("/{}/_doc/{}?require_alias=true&pipeline=_none&timeout={}&{}", private_alias, state_id, primary_timeout, condition);
  const auto request = described("PUT", path);
  const auto body = to_json(next.document);
  const auto response = send("PUT", path, body);
  if (response.status == 409) return Written::conflict;
  if (!is_success(response)) throw_unexpected(response, request);
  const auto answer = json_of(response, request);
  const auto seq_no = integer_of(answer, "_seq_no");
  const auto primary_term = integer_of(answer, "_primary_term");
  if (!seq_no || !primary_term) throw InvalidAnswer(request + " was answered without _seq_no and _primary_term");
  next.seq_no = *seq_no;
  next.primary_term = *primary_term;
  return Written::yes;
}

ShardFacts IndexProtocol::shard_facts(const std::string& physical) {
  const auto path = fmt::format(
      "/{}/_stats/docs?level=shards&filter_path=_shards,indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no.max_seq_no,"
      "indices.*.shards.*.commit.user_data.history_uuid",
      physical);
  const auto request = described("GET", path);
  const auto response = send("GET", path);
  if (!is_success(response)) throw_unexpected(response, request);
  const auto answer = json_of(response, request);
  ShardFacts facts;
  const auto* shards = member(answer, "indices", physical, "shards");
  if (shards == nullptr || !shards->is_object()) return facts;
  std::size_t primaries = 0;
  for (const auto& [number, copies] : shards->items()) {
    for (const auto& copy : copies) {
      const auto* primary = member(copy, "routing", "primary");
      const auto* seq_no = member(copy, "seq_no");
      const auto greatest = seq_no == nullptr ? std::nullopt : integer_of(*seq_no, "max_seq_no");
      if (primary == nullptr || *primary != true || !greatest) continue;
      ++primaries;
      facts.operations += *greatest + 1;
      const auto* user_data = member(copy, "commit", "user_data");
      if (user_data != nullptr) facts.history += (facts.history.empty() ? "" : " ") + text_of(*user_data, "history_uuid");
    }
  }
  facts.complete = primaries > 0 && primaries == shards->size();
  return facts;
}

void IndexProtocol::create_index(const std::string& physical, const SchemaChoice& choice, const IndexMeta& meta) {
  const auto body = create_index_body(choice, meta, IndexNames::fill_alias(physical));
  ask("PUT", "/" + physical, body);
}

void IndexProtocol::delete_index(const std::string& physical) { ask_if_there("DELETE", "/" + physical); }

void IndexProtocol::open_index(const std::string& physical) { ask("POST", "/" + physical + "/_open"); }

void IndexProtocol::remove_block(const std::string& physical, const std::string& block) {
  ask("PUT", "/" + physical + "/_settings", json{{"index.blocks." + block, nullptr}}.dump());
}

void IndexProtocol::refresh(const std::string& physical) { ask("POST", "/" + physical + "/_refresh"); }

void IndexProtocol::serve(const std::string& physical, const SchemaChoice& choice) {
  ask("PUT", "/" + physical + "/_settings", serving_settings_body(choice));
}

bool IndexProtocol::swap(const std::string& physical) {
  auto others = alias_action("remove", names_.pattern(), names_.alias());
  others["remove"]["must_exist"] = false;
  const json body = {{"actions",
                      {removal(physical, IndexNames::fill_alias(physical)), others, alias_action("add", physical, IndexNames::write_alias(physical)),
                       reader_addition(physical, names_.alias())}}};
  return ask_if_there("POST", "/_aliases", body.dump()).has_value();
}

bool IndexProtocol::condemn(const std::string& physical) {
  const json body = {{"actions", {removal(physical, IndexNames::fill_alias(physical))}}};
  return ask_if_there("POST", "/_aliases", body.dump()).has_value();
}

void IndexProtocol::keep_alone(const std::string& keeper, const std::vector<PhysicalIndex>& all) {
  const auto write_alias = IndexNames::write_alias(keeper);
  auto actions = json::array();
  for (const auto& index : all) {
    if (index.name == keeper) continue;
    const bool ours = names_.parse(index.name).has_value() || (index.meta && index.meta->alias == names_.alias() && index.meta->source == names_.source());
    if (ours && index.aliases.contains(names_.alias())) actions.push_back(removal(index.name, names_.alias()));
    if (index.aliases.contains(write_alias)) actions.push_back(removal(index.name, write_alias));
  }
  actions.push_back(alias_action("add", keeper, write_alias));
  actions.push_back(reader_addition(keeper, names_.alias()));
  ask("POST", "/_aliases", json{{"actions", actions}}.dump());
}

IndexProtocol::Counts IndexProtocol::count(const std::string& physical) {
  const json body = {{"size", 0},
                     {"track_total_hits", false},
                     {"query", {{"exists", {{"field", "kind"}}}}},
                     {"aggs", {{"documents", {{"filter", json::parse(reader_filter())}}}, {"stubs", {{"filter", {{"term", {{"kind", "quarantined"}}}}}}}}}};
  const auto path = "/" + physical + "/_search";
  const auto response = send("POST", path, body.dump());
  if (!is_success(response)) throw_unexpected(response, described("POST", path));
  const auto answer = json_of(response, described("POST", path));
  const auto* shards = member(answer, "_shards");
  const auto* timed_out = member(answer, "timed_out");
  const auto* documents = member(answer, "aggregations", "documents");
  const auto* stubs = member(answer, "aggregations", "stubs");
  if (shards == nullptr || integer_of(*shards, "failed") != 0 || timed_out == nullptr || *timed_out != false || documents == nullptr || stubs == nullptr) {
    throw TransientError(described("POST", path) + ": not every shard answered");
  }
  return {.documents = integer_of(*documents, "doc_count").value_or(0), .quarantined = integer_of(*stubs, "doc_count").value_or(0)};
}

}  // namespace tidemark::ingest::elasticsearch
