#include "ingest/elasticsearch/search_request.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/query_words.hpp"
#include "ingest/query_text.hpp"

namespace tidemark::ingest::elasticsearch {
namespace {

using nlohmann::json;

json body_of(const SearchQuery& query, CjkAnalysis cjk = CjkAnalysis::cjk) {
  return json::parse(search_body(Product::opensearch, {.product = Product::opensearch, .cjk = cjk}, query));
}

json body_of(const std::string& text) {
  SearchQuery query;
  query.text = text;
  return body_of(query);
}

// One hit as OpenSearch 3.8 answers it, U+FDD2 and U+FDD3 around what matched.
json hit_of(const std::string& path, double score) {
  const json section = {{"_nested", {{"field", "sections"}, {"offset", 2}}},
                        {"_score", 1.5},
                        {"_source", {{"anchor", "one"}, {"heading", "One & two"}}},
                        {"highlight", {{"sections.content", json::array({"<b>\uFDD2alpha\uFDD3</b> & 'beta'"})}, {"sections.code", json::array({"int x;"})}}}};
  return {{"_index", "i"},
          {"_id", "x"},
          {"_score", score},
          {"_source", {{"path", path}, {"title", "T"}, {"source", "docs"}, {"url", "/u"}, {"revision", "bb"}, {"kind", "page"}, {"lang", "en"}}},
          {"sort", json::array({score, "00"})},
          {"inner_hits", {{"sections", {{"hits", {{"total", {{"value", 1}, {"relation", "eq"}}}, {"hits", json::array({section})}}}}}}}};
}

json answer_of(const json& hits, std::int64_t total) {
  return {{"took", 3},
          {"timed_out", false},
          {"_shards", {{"total", 1}, {"successful", 1}, {"skipped", 0}, {"failed", 0}}},
          {"hits", {{"total", {{"value", total}, {"relation", "eq"}}}, {"max_score", nullptr}, {"hits", hits}}}};
}

HitSection section_with(const json& highlight) {
  json hit = hit_of("p", 1);
  hit["inner_hits"]["sections"]["hits"]["hits"][0]["highlight"] = highlight;
  return read_search(answer_of(json::array({hit}), 1).dump()).hits.at(0).sections.at(0);
}

}  // namespace

TEST_CASE("what no engine searches for is refused before it is sent") {
  std::string many;
  for (std::size_t i = 0; i <= max_query_terms; ++i) many += "w" + std::to_string(i) + ' ';
  for (const std::string& text : {std::string(), std::string("   "), std::string("*"), std::string("\"\""), std::string("!? --"), std::string("\xff"), many, std::string("a* b* c* d* e*"),
                                  std::string("一 二 三 四 五"), std::string(max_query_bytes + 1, 'x')}) {
    CAPTURE(text);
    CHECK_THROWS_AS(body_of(text), InvalidQuery);
  }
  for (const std::string text : {"w* 二 三 四", "word *", "a.b", "1"}) {
    CAPTURE(text);
    CHECK_NOTHROW(body_of(text));
  }
  for (const auto& [limit, offset] : std::vector<std::pair<int, int>>{{-1, 0}, {101, 0}, {10, -1}, {10, 9'991}, {10, INT32_MAX}}) {
    SearchQuery query;
    query.text = "word";
    query.limit = limit;
    query.offset = offset;
    CHECK_THROWS_AS(body_of(query), InvalidQuery);
  }
  SearchQuery last;
  last.text = "word";
  last.offset = 9'990;
  CHECK(body_of(last)["from"] == 9'990);
}

TEST_CASE("each word, phrase and beginning has to be found; nothing that was typed is an operator") {
  const json all = body_of("bicycle \"two wheels\" ri* +x(")["query"]["bool"]["must"];
  REQUIRE(all.size() == 4);
  const auto page_clause = [&](std::size_t i) { return all[i]["dis_max"]["queries"][0]; };
  CHECK(page_clause(0)["multi_match"]["type"] == "phrase");
  CHECK(page_clause(0)["multi_match"]["query"] == "bicycle");
  CHECK(page_clause(1)["multi_match"]["query"] == "two wheels");
  const json phrase_fields = page_clause(1)["multi_match"]["fields"];
  for (const json& name : phrase_fields) CHECK(name.get<std::string>().find("title^") == std::string::npos);
  CHECK(page_clause(2)["simple_query_string"]["query"] == "ri*");
  CHECK(page_clause(2)["simple_query_string"]["flags"] == "PREFIX");
  CHECK(page_clause(3)["multi_match"]["query"] == "+x(");
  CHECK(all[0]["dis_max"]["queries"][1]["nested"]["path"] == "sections");
}

TEST_CASE("matches are marked in the forms that were asked for, no others") {
  const auto fields = [](const std::string& text, CjkAnalysis cjk) {
    SearchQuery query;
    query.text = text;
    std::vector<std::string> names;
    const json body = body_of(query, cjk);
    for (const auto& [name, options] : body["query"]["bool"]["should"][0]["nested"]["inner_hits"]["highlight"]["fields"].items()) names.push_back(name);
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(fields("word", CjkAnalysis::cjk) == Names{"sections.code", "sections.content"});
  CHECK(fields("\"a phrase\"", CjkAnalysis::cjk) == Names{"sections.code", "sections.content.exact"});
  CHECK(fields("word pre*", CjkAnalysis::kuromoji) == Names{"sections.code", "sections.content", "sections.content.exact", "sections.content.japanese"});
  CHECK(fields("word \"a phrase\"", CjkAnalysis::standard) == Names{"sections.code", "sections.content"});
}

TEST_CASE("only documents are searched, and filters are terms whatever they hold") {
  SearchQuery query;
  query.text = "word";
  query.tag = "a\"}]";
  query.path = "docs/\xff/";
  const json filters = body_of(query)["query"]["bool"]["filter"];
  CHECK(filters[0] == json::parse(reader_filter()));
  CHECK(filters[1] == json{{"term", {{"path.tree", "docs/%FF"}}}});
  CHECK(filters[2] == json{{"term", {{"tags", "a\"}]"}}}});
  CHECK(body_of(query, CjkAnalysis::standard)["query"]["bool"]["filter"][1]["bool"]["should"].size() == 2);
}

TEST_CASE("words of a query are runs of letters and digits, CJK runs by themselves") {
  const auto words = [](std::string_view text) {
    std::vector<std::string> all;
    for (const QueryWord& word : query_words(text)) all.push_back(word.text);
    return all;
  };
  using Words = std::vector<std::string>;
  CHECK(words("foo_bar-2x") == Words{"foo", "bar", "2x"});
  CHECK(words("第3回Rust勉強会") == Words{"第", "3", "回", "Rust", "勉強会"});
  CHECK(words("cafe\u0301 \u0301x") == Words{"cafe\u0301", "x"});
  CHECK(words("カー・ド、々") == Words{"カー", "ド", "々"});
  CHECK(words("\xff!? ").empty());
  CHECK(query_words("か\u3099く").at(0).letters == 2);
}

TEST_CASE("an answer becomes hits with their best sections, escaped and marked") {
  const SearchResult result = read_search(answer_of(json::array({hit_of("a", 2.5), hit_of("b", 1)}), 7).dump());
  CHECK(result.total == 7);
  REQUIRE(result.hits.size() == 2);
  const Hit& hit = result.hits[0];
  CHECK(hit.path == "a");
  CHECK(hit.title == "T");
  CHECK(hit.source == "docs");
  CHECK(hit.url == "/u");
  CHECK(hit.revision == "bb");
  CHECK(hit.kind == "page");
  CHECK(hit.lang == "en");
  CHECK(hit.score == 2.5);
  REQUIRE(hit.sections.size() == 1);
  CHECK(hit.sections[0].anchor == "one");
  CHECK(hit.sections[0].heading == "One & two");
  CHECK(hit.sections[0].snippet == "&lt;b&gt;<mark>alpha</mark>&lt;/b&gt; &amp; &#39;beta&#39;");
  CHECK(read_search(answer_of(json::array(), 0).dump()).hits.empty());
}

TEST_CASE("a snippet is of where the matches are") {
  CHECK(section_with({{"sections.content", {"nothing"}}, {"sections.code", {"int \uFDD2x\uFDD3;"}}}).snippet == "int <mark>x</mark>;");
  CHECK(section_with({{"sections.content", {"nothing"}}, {"sections.code", {"int x;"}}}).snippet == "nothing");
  CHECK(section_with({{"sections.code", {"int x;"}}}).snippet == "int x;");
  CHECK(section_with(json::object()).snippet.empty());
  CHECK(section_with({{"sections.content", {"\uFDD2alpha\uFDD3 beta gamma"}}, {"sections.content.exact", {"alpha \uFDD2beta\uFDD3 gamma"}}}).snippet == "<mark>alpha</mark> <mark>beta</mark> gamma");
  // Bigrams that overlap are marked piece by piece.
  CHECK(section_with({{"sections.content", {"\uFDD2計算\uFDD3\uFDD2機\uFDD3です"}}}).snippet == "<mark>計算機</mark>です");
}

TEST_CASE("of a text without words the piece around its first match is shown, however many there are") {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "字";
  for (int i = 0; i < 300'000; ++i) text += "\uFDD2計\uFDD3算";
  const std::string snippet = section_with({{"sections.content", {text}}}).snippet;
  CHECK(snippet.starts_with("…字字"));
  CHECK(snippet.find("字<mark>計</mark>算<mark>計</mark>") != std::string::npos);
  CHECK(snippet.size() < 10'000);
  CHECK(section_with({{"sections.content", {std::string(1'000'000, 'x')}}}).snippet.starts_with("xxx"));
}

TEST_CASE("marks that do not belong together end nothing but themselves") {
  CHECK(section_with({{"sections.content", {"\uFDD3a\uFDD2b\uFDD2c\uFDD3<\uFDD3d\uFDD2e"}}}).snippet == "a<mark>bc</mark>&lt;d<mark>e</mark>");
  CHECK(section_with({{"sections.content", {"\uFDD2\uFDD3x"}}}).snippet == "x");
}

TEST_CASE("what is no whole answer is none") {
  const json good = answer_of(json::array({hit_of("a", 1)}), 1);
  CHECK_NOTHROW(read_search(good.dump()));
  const auto refused = [&](const std::string& pointer, const json& value) {
    CAPTURE(pointer);
    json bad = good;
    bad[json::json_pointer(pointer)] = value;
    CHECK_THROWS_AS(read_search(bad.dump()), TransientError);
  };
  refused("/timed_out", true);
  refused("/timed_out", nullptr);
  refused("/_shards/failed", 1);
  refused("/_shards", nullptr);
  refused("/hits", nullptr);
  refused("/hits/total", 1);
  refused("/hits/total/value", -1);
  refused("/hits/total/value", "1");
  refused("/hits/total/value", 0);
  refused("/hits/hits", json::object());
  refused("/hits/hits/0", nullptr);
  refused("/hits/hits/0/_score", nullptr);
  refused("/hits/hits/0/_source", nullptr);
  refused("/hits/hits/0/inner_hits/sections/hits/hits", 7);
  refused("/hits/hits/0/inner_hits/sections/hits/hits/0", 7);
  for (const std::string text : {"", "null", "[]", "{}", "<html>", "{\"error\":{\"type\":\"x\"},\"status\":500}"}) CHECK_THROWS_AS(read_search(text), TransientError);
  CHECK_THROWS_AS(read_search(std::string(1'000'000, '[')), TransientError);
}

TEST_CASE("cut and mutated answers never crash, and a cut one is never read as fewer hits") {
  const std::string text = answer_of(json::array({hit_of("a", 3), hit_of("計算", 2), hit_of("c", 1)}), 3).dump();
  for (std::size_t length = 0; length < text.size(); ++length) CHECK_THROWS_AS(read_search(std::string_view(text).substr(0, length)), TransientError);
  std::mt19937 random(20'261'121);
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  int read = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string mutated = text;
    const std::size_t at = below(text.size());
    switch (below(4)) {
      case 0: mutated.erase(at, 1 + below(100)); break;
      case 1: mutated[at] = static_cast<char>(below(256)); break;
      case 2: mutated.insert(at, mutated.substr(below(text.size()), 1 + below(100))); break;
      default: std::swap(mutated[at], mutated[below(text.size())]);
    }
    try {
      const SearchResult result = read_search(mutated);
      CHECK(static_cast<std::int64_t>(result.hits.size()) <= result.total);
      for (const Hit& hit : result.hits) {
        CHECK(hit.sections.size() <= max_hit_sections);
        for (const HitSection& section : hit.sections) CHECK(section.snippet.find("<b>") == std::string::npos);
      }
      ++read;
    } catch (const TransientError&) {
    }
  }
  CHECK(read > 500);
}

}  // namespace tidemark::ingest::elasticsearch
