#include "ingest/elasticsearch/document_json.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>

#include "ingest/elasticsearch/sample_documents.hpp"

namespace tidemark::ingest::elasticsearch {
namespace {

using nlohmann::json;

const DocumentContext context{.source = "docs", .origin = "https://example.org/docs.git", .ref = "main"};

std::string written(const Document& document) {
  std::string out;
  append_document(out, document, document.generation, context);
  return out;
}

std::string written(const Quarantined& stub) {
  std::string out;
  append_stub(out, stub, 5'000, context);
  return out;
}

Document read_back(const Document& document) { return read_document(written(document)).value(); }

}  // namespace

TEST_CASE("what is written is what is read, whatever the fields hold") {
  CHECK(same(read_back(sample_document("a.md")), sample_document("a.md")));

  Document bare;
  bare.key.path = "x";
  CHECK(same(read_back(bare), bare));

  Document data = sample_document("data/table.json");
  data.content.kind = parser::Kind::data;
  data.content.date.reset();
  data.content.draft = false;
  data.key.fragment = "row \"7\"\x01";
  data.committed_at = -1;
  CHECK(same(read_back(data), data));
}

TEST_CASE("a path's bytes come back whatever they are, and people see them escaped") {
  for (const std::string& path : {std::string("caf\xe9/\xff.md"), std::string("tab\tnew\nline.md"), std::string("100%.md"), std::string("%41.md"), std::string("計算/野.md")}) {
    CHECK(read_back(sample_document(path)).key.path == path);
  }
  CHECK(json::parse(written(sample_document("caf\xe9.md")))["path"] == "caf%E9.md");
  CHECK(json::parse(written(sample_document("caf\xe9.md")))["path_key"] == "636166e92e6d64");
}

TEST_CASE("keys of paths sort as the paths' bytes do") {
  std::mt19937 random(4);
  const auto some_path = [&] {
    std::string path;
    for (std::size_t i = 0, n = random() % 5; i < n; ++i) path += static_cast<char>(random() % 256);
    return path;
  };
  for (int i = 0; i < 10'000; ++i) {
    const std::string a = some_path();
    const std::string b = some_path();
    CHECK((path_key(a) < path_key(b)) == (a < b));
    CHECK(path_from_key(path_key(a)) == a);
  }
  for (const char* wrong : {"a", "0g", "0A", "zz", "é"}) CHECK_FALSE(path_from_key(wrong));
}

TEST_CASE("a document's JSON is one line") {
  CHECK(written(sample_document("a\nb.md")).find('\n') == std::string::npos);
  Document spread = sample_document("a.md");
  spread.content.front_matter = "{\n}";
  CHECK_THROWS_AS(written(spread), std::invalid_argument);
}

TEST_CASE("names in the JSON are those of the mapping, and sections know their place") {
  const json root = json::parse(written(sample_document("docs/a.md")));
  CHECK(root["kind"] == "page");
  CHECK(root["source"] == "docs");
  CHECK(root["repo"] == "https://example.org/docs.git");
  CHECK(root["ref"] == "main");
  CHECK(root["oid"] == std::string(40, 'a'));
  CHECK(root["front_matter"]["author"]["name"] == "Ann");
  CHECK(root["sections"][2]["position"] == 2);
  CHECK(root["sections"][2]["breadcrumb"] == "One > Two");
  CHECK(root["generation"] == 2'000);
  CHECK(root["committed_at"] == 1'569'546'000);
}

TEST_CASE("a stub reads back, and is no document") {
  const Quarantined stub = sample_stub("bad\xff.png");
  CHECK(read_stub(written(stub)) == stub);
  CHECK_FALSE(read_document(written(stub)));
  CHECK_FALSE(read_stub(written(sample_document("a.md"))));
  CHECK(json::parse(written(stub))["generation"] == 5'000);
  CHECK(json::parse(written(stub))["quarantined"]["reason"] == stub.reason);

  Quarantined odd = stub;
  odd.reason = "cut in a ch\xe8\xa8";
  CHECK(read_stub(written(odd)).value().reason == "cut in a ch\xef\xbf\xbd");
}

TEST_CASE("a path that no index could sort makes no stub") {
  CHECK_NOTHROW(written(sample_stub(std::string(max_stub_path_bytes, 'x'))));
  CHECK_THROWS_AS(written(sample_stub(std::string(max_stub_path_bytes + 1, 'x'))), std::invalid_argument);
}

TEST_CASE("front matter whose keys no index takes is stored beside") {
  // Six keys of 8 KiB in one another: as one term they have more than 32,766 bytes.
  json deep = "leaf";
  for (char c = 'a'; c < 'g'; ++c) deep = json{{std::string(8'192, c), deep}};
  Document document = sample_document("deep.md");
  document.content.front_matter = deep.dump();
  const json root = json::parse(written(document));
  CHECK(root["front_matter"] == json::object());
  CHECK(root["front_matter_text"] == deep.dump());
  CHECK(same(read_back(document), document));
}

TEST_CASE("what somebody else put in is no document of ours") {
  const json good = json::parse(written(sample_document("a.md")));
  REQUIRE(read_document(good.dump()));
  for (const char* name : {"kind", "path_key", "fragment_key", "oid", "fingerprint", "size", "title", "draft", "front_matter", "generation", "revision", "committed_at"}) {
    CAPTURE(name);
    json damaged = good;
    damaged.erase(name);
    CHECK_FALSE(read_document(damaged.dump()));
  }
  for (const auto& [name, value] : good.items()) {
    if (name == "source" || name == "repo" || name == "ref" || name == "path") continue;
    CAPTURE(name);
    json damaged = good;
    damaged[name] = 0.5;
    CHECK_FALSE(read_document(damaged.dump()));
  }
  for (const char* text : {"", "null", "[]", "{}", "{\"kind\":\"page\"}", "x", "{\"kind\":\"state\"}"}) {
    CHECK_FALSE(read_document(text));
    CHECK_FALSE(read_stub(text));
  }
  const std::string text = written(sample_document("a.md"));
  for (std::size_t length = 0; length < text.size(); ++length) CHECK_FALSE(read_document(std::string_view(text).substr(0, length)));
}

}  // namespace tidemark::ingest::elasticsearch
