// What a repository may make of itself, real servers take.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engines/index_fixture.hpp"
#include "ingest/elasticsearch/document_json.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::testing {
namespace {

using nlohmann::json;

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

json nested_keys(int levels, std::size_t key_bytes, const std::string& leaf) {
  json value = leaf;
  for (int i = 0; i < levels; ++i) value = json{{std::string(key_bytes, static_cast<char>('a' + i)), value}};
  return value;
}

ingest::Document with_front_matter(const std::string& path, const json& front_matter) {
  ingest::Document document = prose(path, "needle");
  document.content.front_matter = front_matter.dump();
  return document;
}

std::vector<ingest::Operation> front_matters() {
  json many = json::object();
  for (int i = 0; i < 10'000; ++i) many["key" + std::to_string(i)] = i;
  json wide = nested_keys(3, 8'192, "x");
  for (int i = 0; i < 1'000; ++i) wide[std::string(8'192, 'c')][std::string(8'192, 'b')]["k" + std::to_string(i)] = "v";
  return {with_front_matter("fm/deep", nested_keys(16, 1, "leaf")),
          with_front_matter("fm/long keys", nested_keys(16, 8'192, "leaf")),
          with_front_matter("fm/long leaf", nested_keys(3, 8'192, repeated("x", 8'192))),
          with_front_matter("fm/just fits", nested_keys(3, 7'900, repeated("x", 8'192))),
          with_front_matter("fm/emoji", nested_keys(1, 100, repeated("😀", 2'048))),
          with_front_matter("fm/many", many),
          with_front_matter("fm/many below long keys", wide),
          with_front_matter("fm/odd keys", json{{"", "a"}, {".", "b"}, {"a.", 1}, {".b", true}, {"a..b", nullptr}, {" ", json::array()}, {"a.b.c", 2}, {"a", {{"b", {{"c", 3}}}}}, {"=", "x=y"},
                                                {"*", "z"}, {"_id", "1"}, {"_source", "2"}, {"日本", "計算"}, {"\"\\", "q"}, {"\x01", "\x02"}}),
          with_front_matter("fm/types", json::parse(R"({"a":[1,{"b":2},[3,[null,true,{"c":"d"}]]],"e":[],"f":{},"g":null,"i":-9223372036854775808})")),
          with_front_matter("fm/object", json{{"author", {{"name", "x"}}}}), with_front_matter("fm/text", json{{"author", "x"}}), with_front_matter("fm/list", json{{"author", {"x", 1}}})};
}

std::vector<ingest::Operation> large_ones() {
  std::vector<parser::Section> sections;
  for (int i = 0; i < 5'000; ++i) sections.push_back(section_of("heading " + std::to_string(i), "needle prose " + std::to_string(i), "code"));
  return {document_of("large/sections", sections),
          prose("large/one word", repeated("x", 900'000)),
          prose("large/words", repeated("needle ", 120'000)),
          prose("large/kanji", repeated("計算機", 300'000)),
          prose("large/kana", repeated("コンピュータ", 150'000)),
          prose("large/emoji", repeated("😀", 900'000)),
          prose("large/expanding", repeated("\uFDFA\u3300", 100'000)),
          prose("large/marks", "a" + repeated("\u0301", 500'000)),
          document_of("large/code", {section_of("", "", repeated("foo_bar.baz(", 75'000))})};
}

std::vector<ingest::Operation> odd_fields() {
  std::vector<ingest::Operation> operations;
  for (const std::string& path : {std::string("odd/caf\xe9\xff"), std::string("odd/tab\tnew\nline"), std::string("odd/%41"), std::string("odd/-rf"), std::string("odd/:(glob)*\""), std::string(" "),
                                  repeated("d/", 2'047) + "f", repeated("\xff", 4'096), repeated("計", 1'365), std::string("odd//double"), std::string("odd/control\x7f\xc2\x85")}) {
    operations.push_back(prose(path, "needle"));
  }
  ingest::Document fields = prose("odd/fields", "needle");
  fields.content.title = repeated("計", 2'730);
  fields.content.description = repeated("x", 8'192);
  fields.content.id = repeated("😀", 2'048);
  fields.content.url = repeated("u", 8'192);
  fields.content.lang = repeated("l", 8'192);
  fields.content.tags = {repeated("t", 8'192), "", "a\nb", repeated("😀", 2'048)};
  fields.content.date = "0000-01-01T00:00:00Z";
  fields.content.problems = {repeated("p", 40'000), "\x01"};
  fields.committed_at = INT64_MAX;
  fields.size = INT64_MAX;
  fields.content.sections[0].anchor = repeated("a", 8'192);
  fields.content.sections[0].heading = "\uFFFE \uFDD2 \u0000";
  operations.push_back(fields);
  ingest::Document date = prose("odd/date", "needle");
  date.content.date = "not a date at all";
  date.committed_at = INT64_MIN;
  operations.push_back(date);
  const auto stub = [](const std::string& path, const std::string& reason) {
    return ingest::Quarantined{.key = {path, ""}, .oid = {}, .fingerprint = {}, .reason = reason, .revision = {}};
  };
  operations.push_back(stub(repeated("\xff", es::max_stub_path_bytes), "a path that is too long"));
  operations.push_back(stub("odd/stub", repeated("r", 100'000) + "\xff"));
  return operations;
}

std::string source_of(RealIndex& index, const ingest::DocumentKey& key) {
  return index.ask("GET", "/" + index.name() + "/_source/" + ingest::document_id("docs", key.path, key.fragment)).body;
}

}  // namespace

TEST_CASE("no document makes a server refuse it, and each is read as it was written") {
  on_every_index([](RealIndex& index) {
    for (const auto& batch : {front_matters(), odd_fields(), large_ones()}) {
      const auto answer = index.write(batch);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        CAPTURE(answer.items[i].reason);
        CHECK(answer.items[i].verdict == es::ItemVerdict::applied);
        CHECK(answer.items[i].created);
        if (const auto* document = std::get_if<ingest::Document>(&batch[i])) {
          const auto read = es::read_document(source_of(index, document->key));
          REQUIRE(read);
          CHECK(read->content == document->content);
          CHECK(read->key == document->key);
          CHECK(read->committed_at == document->committed_at);
        } else {
          const auto& stub = std::get<ingest::Quarantined>(batch[i]);
          const auto read = es::read_stub(source_of(index, stub.key));
          REQUIRE(read);
          CHECK(read->key == stub.key);
        }
      }
    }
    // Searches of them are answered, too: with highlights beyond what a server would analyze.
    const auto result = index.search("needle");
    CHECK(result.total > 20);
    for (const char* query : {"計算機", "計", "コンピュータ", "x*", "\"foo bar baz\""}) {
      CAPTURE(query);
      CHECK_NOTHROW(index.search(query));
    }
    CHECK(index.found("計算機") == std::set<std::string>{"large/kanji"});
    CHECK(index.found("\"heading 4999\"") == std::set<std::string>{"large/sections"});
  });
}

TEST_CASE("a server's verdicts on what is not ours are told apart") {
  on_every_index([](RealIndex& index) {
    const auto write = [&](const std::string& alias, const std::string& lines, std::size_t items) {
      const HttpAnswer answer = index.ask("POST", "/" + alias + "/_bulk?require_alias=true", lines);
      REQUIRE_MESSAGE(answer.status == 200, answer.body);
      std::string problem;
      auto decoded = es::decode_bulk(answer.body, items, problem);
      REQUIRE_MESSAGE(decoded, problem);
      return *decoded;
    };
    const auto verdicts = [](const es::BulkAnswer& answer) {
      std::vector<int> all;
      for (const auto& item : answer.items) all.push_back(static_cast<int>(item.verdict));
      return all;
    };
    using enum es::ItemVerdict;
    const auto listed = [](std::initializer_list<es::ItemVerdict> list) {
      std::vector<int> all;
      for (const auto verdict : list) all.push_back(static_cast<int>(verdict));
      return all;
    };
    const std::string fill = index.name() + ".fill";
    const std::string at_5 = R"(,"version":5,"version_type":"external_gte"}})";
    const std::string at_4 = R"(,"version":4,"version_type":"external_gte"}})";
    std::string nested = R"({"sections":[)";
    for (int i = 0; i <= 10'000; ++i) nested += i == 0 ? "{}" : ",{}";
    const std::string bad = R"({"index":{"_id":"a")" + at_5 + "\n{\"size\":\"x\"}\n" +                                          // wrong type
                            R"({"index":{"_id":"b")" + at_5 + "\n{\"sections\":\"x\"}\n" +                                      // no object
                            R"({"index":{"_id":"c")" + at_5 + "\n{\"front_matter\":\"bare\"}\n" +                               // bare text
                            R"({"index":{"_id":"d")" + at_5 + "\n{\"a\":1,\"a\":2}\n" +                                         // a key twice
                            R"({"index":{"_id":"e")" + at_5 + "\n{\"a\":\n" +                                                   // cut off
                            R"({"index":{"_id":"f")" + at_5 + "\n{\"title\":\"\xff\"}\n" +                                      // no UTF-8
                            R"({"index":{"_id":"g")" + at_5 + "\n" + nested + "]}\n" +                                          // too many sections
                            R"({"index":{"_id":"h")" + at_5 + "\n{\"path_key\":\"" + repeated("計", 11'000) + "\"}\n" +        // an immense term
                            R"({"index":{"_id":"i")" + at_5 + "\n{}\n" + R"({"index":{"_id":"i")" + at_4 + "\n{}\n" +           // an older writer
                            R"({"delete":{"_id":"i")" + at_4 + "\n" + R"({"delete":{"_id":"none")" + at_4 + "\n" + R"({"delete":{"_id":"i")" + at_5 + "\n";
    CHECK(verdicts(write(fill, bad, 13)) == listed({document_refused, document_refused, document_refused, document_refused, document_refused, document_refused, document_refused,
                                                    document_refused, applied, conflict, conflict, applied, applied}));

    const std::string removal = std::string(es::BulkEncoder::guard()) + R"({"delete":{"_id":"none")" + at_5 + "\n";
    CHECK(verdicts(write(fill, removal, 2)) == listed({applied, applied}));
    CHECK(verdicts(write("no-such-alias", removal, 2)) == listed({index_missing, index_missing}));
    CHECK(index.ask("HEAD", "/no-such-alias").status == 404);

    const std::string one = R"({"index":{"_id":"i")" + at_5 + "\n{}\n";
    for (const char* block : {"write", "read_only", "read_only_allow_delete"}) {
      CAPTURE(block);
      index.ask("PUT", "/" + index.name() + "/_settings", json{{std::string("index.blocks.") + block, true}}.dump());
      CHECK(verdicts(write(fill, one, 1)) == listed({index_blocked}));
      index.ask("PUT", "/" + index.name() + "/_settings", json{{std::string("index.blocks.") + block, nullptr}}.dump());
    }
    REQUIRE(index.ask("POST", "/" + index.name() + "/_close").status == 200);
    CHECK(verdicts(write(fill, one, 1)) == listed({index_blocked}));
    REQUIRE(index.ask("POST", "/" + index.name() + "/_open").status == 200);
  });
}

}  // namespace tidemark::testing
