#include "ingest/elasticsearch/state_document.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/elasticsearch/json_members.hpp"
#include "ingest/elasticsearch/schema.hpp"
#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

// Thrown and caught in this file alone: a member is missing or of another type.
struct NotAState {};

template <typename T>
T whole(std::optional<T> value) {
  if (!value) throw NotAState{};
  return *std::move(value);
}

const json& required(const json& object, const char* key) {
  const json* value = member(object, key);
  if (value == nullptr) throw NotAState{};
  return *value;
}

std::string text(const json& object, const char* key) { return whole(string_of(object, key)); }

std::int64_t number(const json& object, const char* key) { return whole(integer_of(object, key)); }

int small_number(const json& object, const char* key) {
  const std::int64_t value = number(object, key);
  if (value < INT32_MIN || value > INT32_MAX) throw NotAState{};
  return static_cast<int>(value);
}

bool boolean(const json& object, const char* key) {
  const json& value = required(object, key);
  if (!value.is_boolean()) throw NotAState{};
  return value.get<bool>();
}

json json_of(const std::optional<Checkpoint>& checkpoint) {
  if (!checkpoint) return nullptr;
  return {{"commit", checkpoint->commit.hex()},
          {"tree", checkpoint->tree.hex()},
          {"committed_at", checkpoint->committed_at},
          {"settings", checkpoint->settings},
          {"parser_version", checkpoint->parser_version}};
}

std::optional<Checkpoint> checkpoint_from(const json& value) {
  if (value.is_null()) return std::nullopt;
  return Checkpoint{.commit = whole(git::Oid::parse(text(value, "commit"))),
                    .tree = whole(git::Oid::parse(text(value, "tree"))),
                    .committed_at = number(value, "committed_at"),
                    .settings = text(value, "settings"),
                    .parser_version = small_number(value, "parser_version")};
}

json json_of(const Lease& lease) {
  return {{"holder", lease.holder}, {"holder_name", lease.holder_name}, {"renewals", lease.renewals}, {"duration_ms", lease.duration.count()}};
}

Lease lease_from(const json& value) {
  return {.holder = text(value, "holder"),
          .holder_name = text(value, "holder_name"),
          .renewals = number(value, "renewals"),
          .duration = Duration(number(value, "duration_ms"))};
}

json json_of(const Quarantined& entry) {
  return {{"path_key", path_key(entry.key.path)},       {"fragment_key", path_key(entry.key.fragment)},
          {"oid", entry.oid.hex()},                     {"fingerprint", entry.fingerprint.hex()},
          {"reason", parser::utf8::scrub(entry.reason).text}, {"revision", entry.revision.hex()}};
}

Quarantined refused_from(const json& value) {
  return {.key = {.path = whole(path_from_key(text(value, "path_key"))), .fragment = whole(path_from_key(text(value, "fragment_key")))},
          .oid = whole(git::Oid::parse(text(value, "oid"))),
          .fingerprint = whole(Fingerprint::from_hex(text(value, "fingerprint"))),
          .reason = text(value, "reason"),
          .revision = whole(git::Oid::parse(text(value, "revision")))};
}

StateDocument document_from(const json& root, int* schema) {
  const json& state = required(root, "state");
  const int version = small_number(state, "schema");
  if (schema != nullptr) *schema = version;
  if (version != schema_version) throw NotAState{};

  StateDocument document;
  document.state = {.schema = version,
                    .source = {.name = text(root, "source"), .origin = text(state, "origin")},
                    .generation = number(state, "generation"),
                    .operations = number(state, "operations"),
                    .intent_open = boolean(state, "intent_open"),
                    .checkpoint = checkpoint_from(required(state, "checkpoint"))};
  document.lease = lease_from(required(state, "lease"));
  document.history = text(state, "history");
  const json& refused = required(state, "refused");
  if (!refused.is_array() || refused.size() > max_refused) throw NotAState{};
  for (const json& entry : refused) document.refused.push_back(refused_from(entry));
  return document;
}

}  // namespace

std::string to_json(const StateDocument& document) {
  json refused = json::array();
  for (const Quarantined& entry : document.refused) {
    if (refused.size() == max_refused) break;
    refused.push_back(json_of(entry));
  }
  const State& state = document.state;
  const json root = {{"kind", "state"},
                     {"source", state.source.name},
                     {"state",
                      {{"schema", state.schema},
                       {"origin", state.source.origin},
                       {"generation", state.generation},
                       {"operations", state.operations},
                       {"intent_open", state.intent_open},
                       {"checkpoint", json_of(state.checkpoint)},
                       {"lease", json_of(document.lease)},
                       {"history", document.history},
                       {"refused", std::move(refused)}}}};
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<StateDocument> state_from_json(std::string_view source_json, int* schema) {
  return state_of(json::parse(source_json, nullptr, false), schema);
}

std::optional<StateDocument> state_of(const json& root, int* schema) {
  if (schema != nullptr) *schema = 0;
  try {
    return document_from(root, schema);
  } catch (const NotAState&) {
    return std::nullopt;
  }
}

}  // namespace tidemark::ingest::elasticsearch
