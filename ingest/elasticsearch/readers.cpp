#include "ingest/elasticsearch/readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/cursor.hpp"
#include "ingest/elasticsearch/answers.hpp"
#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/elasticsearch/held_state.hpp"
#include "ingest/elasticsearch/index_protocol.hpp"
#include "ingest/elasticsearch/json_members.hpp"
#include "ingest/elasticsearch/search_request.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using json = nlohmann::ordered_json;  // a document comes back as it was written

constexpr Duration patience = std::chrono::seconds(10);
constexpr Duration probe_patience = std::chrono::seconds(2);
constexpr int max_page = 1'000;

// The hits of an answer in which every shard took part.
json hits_of(const std::string& body) {
  const auto answer = json::parse(body, nullptr, false);
  const json* failed = member(answer, "_shards", "failed");
  const json* timed_out = member(answer, "timed_out");
  const json* hits = member(answer, "hits", "hits");
  if (failed == nullptr || *failed != 0 || timed_out == nullptr || *timed_out != false || hits == nullptr || !hits->is_array()) {
    throw TransientError("the cluster did not answer for every shard");
  }
  return *hits;
}

const json& source_of(const json& hit) {
  static const json none;
  const json* source = member(hit, "_source");
  return source == nullptr ? none : *source;
}

DocumentRow row_of(const json& source) {
  const auto path = path_from_key(text_of(source, "path_key"));
  const auto fragment = path_from_key(text_of(source, "fragment_key"));
  if (!path || !fragment) throw TransientError("the index holds a document without a path; the next audit takes it out");
  return {.key = {.path = *path, .fragment = *fragment},
          .oid = git::Oid::parse(text_of(source, "oid")).value_or(git::Oid{}),
          .kind = text_of(source, "kind"),
          .title = text_of(source, "title"),
          .revision = git::Oid::parse(text_of(source, "revision")).value_or(git::Oid{})};
}

json path_order() { return {{{"path_key", "asc"}}, {{"fragment_key", "asc"}}}; }

}  // namespace

void Readers::use(const IndexNames& names) {
  const std::lock_guard lock(mutex_);
  place_.source = names.source();
  place_.physical.clear();
}

void Readers::use(const SchemaChoice& choice) {
  const std::lock_guard lock(mutex_);
  place_.choice = choice;
}

void Readers::use_live(const std::string& physical) {
  const std::lock_guard lock(mutex_);
  place_.physical = physical;
}

Readers::Place Readers::place() const {
  const std::lock_guard lock(mutex_);
  return place_;
}

std::string Readers::kind() const { return std::string(name_of(place().choice.product)); }

Response Readers::ask(const std::string& path, const std::string& body) {
  return connection_.send({.method = "POST", .path = path, .body = body, .timeout = patience});
}

// Nothing while there is no such index: it is as good as empty.
std::optional<std::string> Readers::search_in(const std::string& index, const std::string& body) {
  const auto path = fmt::format("/{}/_search", index);
  auto response = ask(path, body);
  if (response.status == 404) return std::nullopt;
  if (response.status < 200 || response.status >= 300) throw_unexpected(response, "POST " + path);
  return std::move(response.body);
}

bool Readers::ready() {
  try {
    const auto response = connection_.send({.method = "POST",
                                            .path = fmt::format("/{}/_search", alias_),
                                            .body = R"({"size":0,"track_total_hits":false})",
                                            .timeout = probe_patience});
    return response.status >= 200 && response.status < 300;
  } catch (const std::runtime_error&) {
    return false;  // which the probe's answer says
  }
}

SearchResult Readers::search(const SearchQuery& query) {
  const auto here = place();
  const auto answer = search_in(alias_, search_body(here.choice.product, here.choice, query));
  return answer ? read_search(*answer) : SearchResult{};
}

DocumentPage Readers::documents(const DocumentPageQuery& query) {
  const auto here = place();
  const int limit = std::clamp(query.limit, 1, max_page);
  json filter = json::array({{{"term", {{"source", here.source}}}}});
  json range = json::object();
  if (!query.prefix.empty()) {
    range["gte"] = path_key(query.prefix);
    if (const auto end = after_prefix(query.prefix)) range["lt"] = path_key(*end);
    filter.push_back({{"range", {{"path_key", range}}}});
  }
  json body = {{"size", limit + 1},
               {"track_total_hits", false},
               {"_source", {"path_key", "fragment_key", "oid", "kind", "title", "revision"}},
               {"query", {{"bool", {{"filter", filter}}}}},
               {"sort", path_order()}};
  if (query.after) {
    const auto key = parse_cursor(*query.after);
    body["search_after"] = {path_key(key.path), path_key(key.fragment)};
  }
  DocumentPage page;
  if (here.source.empty()) return page;
  const auto answer = search_in(alias_, body.dump());
  if (!answer) return page;
  for (const auto& hit : hits_of(*answer)) {
    if (page.rows.size() == static_cast<std::size_t>(limit)) {
      page.next = make_cursor(page.rows.back().key);
      break;
    }
    page.rows.push_back(row_of(source_of(hit)));
  }
  return page;
}

std::optional<Document> Readers::document(const DocumentKey& key) {
  const auto here = place();
  if (here.source.empty()) return std::nullopt;
  const json body = {{"size", 1}, {"track_total_hits", false}, {"query", {{"ids", {{"values", {document_id(here.source, key.path, key.fragment)}}}}}}};
  const auto answer = search_in(alias_, body.dump());
  if (!answer) return std::nullopt;
  const auto hits = hits_of(*answer);
  return hits.empty() ? std::nullopt : document_of(source_of(hits.front()));
}

std::vector<Quarantined> Readers::quarantine(std::size_t limit) {
  const auto here = place();
  std::vector<Quarantined> entries;
  if (here.physical.empty()) return entries;
  const json body = {{"size", std::min<std::size_t>(limit, max_search_window)},
                     {"track_total_hits", false},
                     {"query", {{"term", {{"kind", "quarantined"}}}}},
                     {"sort", path_order()}};
  const auto answer = search_in(here.physical, body.dump());
  if (!answer) return entries;
  for (const auto& hit : hits_of(*answer)) {
    if (auto entry = stub_of(source_of(hit))) entries.push_back(std::move(*entry));
  }
  const auto stored = IndexProtocol(connection_, IndexNames(alias_, here.source), {}, patience).read_state(here.physical).stored;
  if (stored) {
    for (const auto& refused : stored->document.refused) entries.push_back(refused);
    std::ranges::sort(entries, {}, &Quarantined::key);
    if (entries.size() > limit) entries.resize(limit);
  }
  return entries;
}

}  // namespace tidemark::ingest::elasticsearch
