#include "engines/elasticsearch_index.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/elasticsearch/state_document.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::test {

using nlohmann::json;

ElasticsearchIndex::ElasticsearchIndex(std::string url) : url_(std::move(url)) {
  std::random_device random;
  alias_ = fmt::format("test-{:08x}{:08x}", random(), random());
}

ElasticsearchIndex::~ElasticsearchIndex() {
  const auto answer = request("GET", fmt::format("/{}-*?expand_wildcards=all&allow_no_indices=true&filter_path=*.aliases", alias_));
  const auto indexes = json::parse(answer.body, nullptr, false);
  if (!indexes.is_object()) return;
  for (const auto& [name, ignored] : indexes.items()) request("DELETE", "/" + name);
}

ElasticsearchSettings ElasticsearchIndex::settings() const {
  ElasticsearchSettings settings;
  settings.connection.urls = {url_};
  settings.index = alias_;
  settings.replicas = 0;
  settings.lease_duration = std::chrono::seconds(2);
  return settings;
}

std::unique_ptr<Engine> ElasticsearchIndex::open() {
  auto engine = open_elasticsearch_engine(settings(), log_);
  engine->identify(test_source());
  engine->inspect();
  return engine;
}

HttpAnswer ElasticsearchIndex::request(const std::string& method, const std::string& path, const std::string& body) {
  HttpCall call{.method = method, .url = url_ + path, .headers = {}, .body = body};
  if (!body.empty()) call.headers["Content-Type"] = "application/json";
  return client_.call(call);
}

std::string ElasticsearchIndex::physical() {
  const auto indexes = json::parse(request("GET", fmt::format("/{}-*?expand_wildcards=all&allow_no_indices=true&filter_path=*.aliases", alias_)).body);
  for (const auto& [name, value] : indexes.items()) {
    if (value["aliases"].contains(alias_)) return name;
  }
  return "";
}

void ElasticsearchIndex::write_a_stranger(const DocumentKey& key) {
  const json document = {{"kind", "page"},
                         {"source", test_source().name},
                         {"path", key.path},
                         {"path_key", elasticsearch::path_key(key.path)},
                         {"fragment_key", elasticsearch::path_key(key.fragment)},
                         {"title", "t"},
                         {"generation", 1}};
  const auto answer = request("PUT", fmt::format("/{}/_doc/{}", physical(), document_id(test_source().name, key.path, key.fragment)), document.dump());
  REQUIRE_MESSAGE(answer.status == 201, answer.body);
}

void ElasticsearchIndex::alter(const DocumentKey& key, const std::string& content) {
  const json change = {{"doc", {{"sections", {{{"anchor", "top"}, {"level", 1}, {"heading", "heading"}, {"content", content}}}}}}};
  const auto answer = request("POST", fmt::format("/{}/_update/{}", physical(), document_id(test_source().name, key.path, key.fragment)), change.dump());
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
}

json ElasticsearchIndex::state() {
  return json::parse(request("GET", fmt::format("/{}/_doc/{}", physical(), elasticsearch::state_id)).body).at("_source");
}

void ElasticsearchIndex::put_state(const json& state) {
  const auto answer = request("PUT", fmt::format("/{}/_doc/{}", physical(), elasticsearch::state_id), state.dump());
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
}

std::string ElasticsearchIndex::document_path(const std::string& path) {
  return fmt::format("/{}/_doc/{}", physical(), document_id(test_source().name, path, ""));
}

std::vector<std::string> paths(Engine& engine) {
  std::vector<std::string> all;
  for (const auto& one : listed(engine)) all.push_back(one.key.path);
  return all;
}

void heal(Engine& engine, std::int64_t generation, const std::vector<Operation>& documents, unsigned commit) {
  if (!engine.inspect().leading) REQUIRE(engine.lead());
  commit_run(engine, Mode::audit, generation, documents, commit);
  const auto facts = engine.inspect();
  CHECK_MESSAGE(facts.check_holds, facts.check_detail);
}

}  // namespace tidemark::ingest::test
