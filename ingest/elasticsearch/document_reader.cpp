// The way back from a `_source` to a document.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/elasticsearch/json_members.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using json = nlohmann::ordered_json;

// Thrown and caught in this file alone: a member is missing or of another type.
struct NotOurs {};

template <typename T>
T whole(std::optional<T> value) {
  if (!value) throw NotOurs{};
  return *std::move(value);
}

std::string text(const json& object, const char* key) { return whole(string_of(object, key)); }

std::string text_or_empty(const json& object, const char* key) { return member(object, key) == nullptr ? std::string() : text(object, key); }

std::int64_t number(const json& object, const char* key) { return whole(integer_of(object, key)); }

std::vector<std::string> texts(const json& object, const char* key) {
  std::vector<std::string> result;
  const json* values = member(object, key);
  if (values == nullptr) return result;
  if (!values->is_array()) throw NotOurs{};
  for (const json& value : *values) {
    if (!value.is_string()) throw NotOurs{};
    result.push_back(value.get<std::string>());
  }
  return result;
}

DocumentKey key_of(const json& root) { return {.path = whole(path_from_key(text(root, "path_key"))), .fragment = whole(path_from_key(text(root, "fragment_key")))}; }

git::Oid oid_of(const json& root, const char* key) { return whole(git::Oid::parse(text(root, key))); }

parser::Section section_from(const json& value) {
  if (!value.is_object()) throw NotOurs{};
  return {.anchor = text(value, "anchor"),
          .level = static_cast<int>(number(value, "level")),
          .heading = text_or_empty(value, "heading"),
          .breadcrumb = text_or_empty(value, "breadcrumb"),
          .content = text_or_empty(value, "content"),
          .code = text_or_empty(value, "code")};
}

std::vector<parser::Section> sections_of(const json& root) {
  std::vector<parser::Section> sections;
  const json* values = member(root, "sections");
  if (values == nullptr) return sections;
  if (!values->is_array()) throw NotOurs{};
  for (const json& value : *values) sections.push_back(section_from(value));
  return sections;
}

std::string front_matter_of(const json& root) {
  const json* value = member(root, "front_matter");
  if (value == nullptr || !value->is_object()) throw NotOurs{};
  if (member(root, "front_matter_text") != nullptr) return text(root, "front_matter_text");
  return value->dump(-1, ' ', false, json::error_handler_t::replace);
}

parser::Document content_from(const json& root, parser::Kind kind) {
  parser::Document content;
  content.kind = kind;
  content.title = text(root, "title");
  content.description = text_or_empty(root, "description");
  content.lang = text_or_empty(root, "lang");
  content.tags = texts(root, "tags");
  if (member(root, "date") != nullptr) content.date = text(root, "date");
  const json* draft = member(root, "draft");
  if (draft == nullptr || !draft->is_boolean()) throw NotOurs{};
  content.draft = draft->get<bool>();
  content.url = text_or_empty(root, "url");
  content.id = text_or_empty(root, "id");
  content.front_matter = front_matter_of(root);
  content.problems = texts(root, "problems");
  content.sections = sections_of(root);
  return content;
}

Document document_from(const json& root) {
  const std::string kind = text(root, "kind");
  if (kind != "page" && kind != "data") throw NotOurs{};
  Document document;
  document.key = key_of(root);
  document.oid = oid_of(root, "oid");
  document.fingerprint = whole(Fingerprint::from_hex(text(root, "fingerprint")));
  document.size = number(root, "size");
  document.content = content_from(root, kind == "page" ? parser::Kind::page : parser::Kind::data);
  document.generation = number(root, "generation");
  document.revision = oid_of(root, "revision");
  document.committed_at = number(root, "committed_at");
  return document;
}

Quarantined stub_from(const json& root) {
  if (text(root, "kind") != "quarantined") throw NotOurs{};
  const json* quarantined = member(root, "quarantined");
  if (quarantined == nullptr || !quarantined->is_object()) throw NotOurs{};
  return {.key = key_of(root),
          .oid = oid_of(root, "oid"),
          .fingerprint = whole(Fingerprint::from_hex(text(root, "fingerprint"))),
          .reason = text(*quarantined, "reason"),
          .revision = oid_of(root, "revision")};
}

template <typename Read>
auto read_object(const json& root, Read read) -> std::optional<decltype(read(json()))> {
  if (!root.is_object()) return std::nullopt;
  try {
    return read(root);
  } catch (const NotOurs&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<Document> document_of(const json& source) { return read_object(source, document_from); }
std::optional<Quarantined> stub_of(const json& source) { return read_object(source, stub_from); }
std::optional<Document> read_document(std::string_view source_json) { return document_of(json::parse(source_json, nullptr, false)); }
std::optional<Quarantined> read_stub(std::string_view source_json) { return stub_of(json::parse(source_json, nullptr, false)); }

}  // namespace tidemark::ingest::elasticsearch
