#include "ingest/elasticsearch/state_document.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/elasticsearch/schema.hpp"

namespace tidemark::ingest::elasticsearch {
namespace {

using nlohmann::json;

const git::Oid commit = git::Oid::parse("0123456789abcdef0123456789abcdef01234567").value();
const git::Oid tree = git::Oid::parse("89abcdef0123456789abcdef0123456789abcdef").value();

StateDocument whole() {
  StateDocument document;
  document.state = {.schema = schema_version,
                    .source = {.name = "docs \"計算\"", .origin = "https://example.org/docs.git"},
                    .generation = 3'000,
                    .operations = 123'456,
                    .intent_open = true,
                    .checkpoint = Checkpoint{.commit = commit, .tree = tree, .committed_at = -5, .settings = "00ff", .parser_version = 7}};
  document.lease = {.holder = "a1b2", .holder_name = "pod-0/17", .renewals = 42, .duration = std::chrono::seconds(15)};
  document.history = "h1 h2";
  document.refused = {{.key = {.path = "odd\xff\n/path", .fragment = "f"}, .oid = commit, .fingerprint = digest("x"), .reason = "too\nlarge", .revision = tree}};
  return document;
}

std::optional<StateDocument> read(const json& value) {
  int schema = -1;
  return state_from_json(value.dump(), &schema);
}

}  // namespace

TEST_CASE("a state reads back as it was written") {
  int schema = 0;
  CHECK(state_from_json(to_json(whole()), &schema) == whole());
  CHECK(schema == schema_version);
  StateDocument fresh;
  fresh.state.schema = schema_version;
  CHECK(state_from_json(to_json(fresh), nullptr) == fresh);
}

TEST_CASE("the state is no document: its kind is another, and all of it but the source's name is not indexed") {
  const json root = json::parse(to_json(whole()));
  CHECK(root.at("kind") == "state");
  CHECK(root.size() == 3);
  CHECK(root.contains("source"));
  CHECK(root.contains("state"));
  CHECK_FALSE(read_document(to_json(whole())));
  CHECK_FALSE(read_stub(to_json(whole())));
}

TEST_CASE("a state of another schema is known by its number alone") {
  for (const int other : {0, 2, 99}) {
    int schema = -1;
    CHECK_FALSE(state_from_json(json{{"state", {{"schema", other}, {"anything", "else"}}}}.dump(), &schema));
    CHECK(schema == other);
  }
}

TEST_CASE("a damaged state is none, whatever is missing or of another type") {
  const json good = json::parse(to_json(whole()));
  REQUIRE(read(good));
  for (const json::json_pointer& path : {"/source"_json_pointer, "/state"_json_pointer}) {
    for (const json& wrong : {json(), json(1.5), json::array({1}), json::object()}) {
      json damaged = good;
      damaged[path] = wrong;
      CHECK_FALSE(read(damaged));
    }
  }
  for (const std::string folder : {"/state", "/state/checkpoint", "/state/lease", "/state/refused/0"}) {
    for (const auto& [name, value] : good[json::json_pointer(folder)].items()) {
      CAPTURE(folder + "/" + name);
      json damaged = good;
      damaged[json::json_pointer(folder)].erase(name);
      CHECK_FALSE(read(damaged));
      damaged = good;
      damaged[json::json_pointer(folder)][name] = 1.5;
      CHECK_FALSE(read(damaged));
    }
  }
  json damaged = good;
  damaged["state"]["operations"] = UINT64_MAX;
  CHECK_FALSE(read(damaged));
  damaged = good;
  damaged["state"]["checkpoint"]["commit"] = "0123";
  CHECK_FALSE(read(damaged));
}

TEST_CASE("any beginning of a state is none") {
  const std::string text = to_json(whole());
  for (std::size_t length = 0; length < text.size(); ++length) CHECK_FALSE(state_from_json(std::string_view(text).substr(0, length), nullptr));
}

TEST_CASE("no more refusals are kept than are read") {
  StateDocument document = whole();
  while (document.refused.size() < max_refused + 5) document.refused.push_back(document.refused.front());
  const auto kept = state_from_json(to_json(document), nullptr);
  REQUIRE(kept);
  CHECK(kept->refused.size() == max_refused);
}

}  // namespace tidemark::ingest::elasticsearch
