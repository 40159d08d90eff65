// What searches find on real servers, in Japanese and in English.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "engines/index_fixture.hpp"

namespace tidemark::testing {
namespace {

using Paths = std::set<std::string>;
using es::CjkAnalysis;

bool has_bigrams(const RealIndex& index) { return index.choice().cjk != CjkAnalysis::standard; }

std::size_t characters(std::string text) {
  for (const std::string tag : {"<mark>", "</mark>"}) {
    for (auto at = text.find(tag); at != std::string::npos; at = text.find(tag)) text.erase(at, tag.size());
  }
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

TEST_CASE("Japanese searches that failed elsewhere find what they should, and nothing else") {
  on_every_index([](RealIndex& index) {
    index.write({prose("computer", "この計算機は速い"), prose("nobita", "野比大雄は眠る"), prose("nitto", "日東電工株式会社の経営者"), prose("tokyo", "東京タワーに行った"),
                 prose("kanji", "東京"), prose("stream", "無観客有料配信イベント"), prose("unrelated", "配信した後で有料にする"), prose("health", "健やかな日々"), prose("see", "見る日々"),
                 prose("hub", "系 法 出会い 資金 決済"), prose("dating", "出会い系サイトの規制"), prose("settlement", "資金決済法の改正"),
                 prose("clause", "彼は昨日競合の製品を買ったらしい"), prose("kana", "ひらがなとコンピュータの話"), prose("half", "ｺﾝﾋﾟｭｰﾀ"), prose("ate", "りんごを食べました"),
                 prose("mixed", "第3回Rust勉強会2024年"), prose("wide", "ＳＱＬｉｔｅ入門")});
    CHECK(index.found("計算") == Paths{"computer"});
    CHECK(index.found("計算機") == Paths{"computer"});
    CHECK(index.found("算機") == Paths{"computer"});
    CHECK(index.found("野") == Paths{"nobita"});
    CHECK(index.found("日東") == Paths{"nitto"});
    CHECK(index.found("日東電工") == Paths{"nitto"});
    CHECK(index.found("東京") == Paths{"tokyo", "kanji"});
    CHECK(index.found("有料配信") == Paths{"stream"});
    CHECK(index.found("配信 有料") == Paths{"stream", "unrelated"});
    CHECK(index.found("健") == Paths{"health"});
    CHECK(index.found("出会い系") == Paths{"dating"});
    CHECK(index.found("資金決済法") == Paths{"settlement"});
    CHECK(index.found("競合") == Paths{"clause"});
    CHECK(index.found("ひらがな") == Paths{"kana"});
    CHECK(index.found("計算*") == Paths{"computer"});
    CHECK(index.found("第3回Rust勉強会") == Paths{"mixed"});
    CHECK(index.found("勉強会2024年") == Paths{"mixed"});
    CHECK(index.found("Rust 勉強") == Paths{"mixed"});
    CHECK(index.found("勉強会2025").empty());
    if (has_bigrams(index)) {
      CHECK(index.found("コンピュータ") == Paths{"kana", "half"});
      CHECK(index.found("ピュ") == Paths{"kana", "half"});
      CHECK(index.found("か\u3099なと") == Paths{"kana"});
      CHECK(index.found("sqlite") == Paths{"wide"});
    }
    if (index.choice().cjk == CjkAnalysis::kuromoji) CHECK(index.found("食べる") == Paths{"ate"});
  });
}

TEST_CASE("English words are found in every form, phrases and beginnings of words as they stand") {
  on_every_index([](RealIndex& index) {
    index.write({prose("plural", "They ride bicycles to work."), prose("dotted", "Call std.string or foo_bar; edit tidemark.yaml."), prose("accent", "The caf\u00e9 is open"),
                 prose("phrase", "the quick brown fox"), prose("scattered", "brown is quick"), prose("tower", "Eiffel Tower's height")});
    CHECK(index.found("bicycles") == Paths{"plural"});
    CHECK(index.found("BICYCLES") == Paths{"plural"});
    CHECK(index.found("bicyc*") == Paths{"plural"});
    CHECK(index.found("BiCyCl*") == Paths{"plural"});
    CHECK(index.found("quick brown") == Paths{"phrase", "scattered"});
    CHECK(index.found("\"quick brown\"") == Paths{"phrase"});
    CHECK(index.found("\"quick bro\"*") == Paths{"phrase"});
    CHECK(index.found("\"quick brown") == Paths{"phrase"});
    CHECK(index.found("quick-brown") == Paths{"phrase"});
    CHECK(index.found("quick nothing").empty());
    if (has_bigrams(index)) {
      CHECK(index.found("bicycle") == Paths{"plural"});
      CHECK(index.found("riding") == Paths{"plural"});
      CHECK(index.found("\"bicycle\"").empty());
      CHECK(index.found("tower") == Paths{"tower"});
      CHECK(index.found("string") == Paths{"dotted"});
      CHECK(index.found("std.string") == Paths{"dotted"});
      CHECK(index.found("bar") == Paths{"dotted"});
      CHECK(index.found("tidemark") == Paths{"dotted"});
      CHECK(index.found("cafe") == Paths{"accent"});
      CHECK(index.found("CAF\u00c9*") == Paths{"accent"});
      CHECK(index.found("cafe\u0301") == Paths{"accent"});
    }
  });
}

TEST_CASE("all words must occur in the document, wherever in it; a phrase does not reach over two sections") {
  on_every_index([](RealIndex& index) {
    auto tagged = document_of("p.md", {section_of("one", "alpha beta"), section_of("two", "gamma 日"), section_of("three", "本 delta", "int epsilon;")});
    tagged.content.title = "Zeta";
    tagged.content.description = "About eta";
    tagged.content.tags = {"theta", "io ta"};
    index.write({tagged});
    for (const char* query : {"alpha delta", "zeta one", "eta theta gamma", "epsilon alpha", "iota", "\"io ta\""}) {
      CAPTURE(query);
      CHECK(index.found(query) == (std::string(query) == "iota" ? Paths{} : Paths{"p.md"}));
    }
    CHECK(index.found("alpha missing").empty());
    CHECK(index.found("\"beta gamma\"").empty());
    CHECK(index.found("日本").empty());
  });
}

TEST_CASE("the title counts over headings, headings over prose, prose over code") {
  on_every_index([](RealIndex& index) {
    auto titled = document_of("title", {section_of("x", "nothing here")});
    titled.content.title = "Needle";
    index.write({document_of("code", {section_of("x", "nothing here", "needle")}), document_of("prose", {section_of("x", "needle here", "nothing")}),
                 document_of("heading", {section_of("needle", "nothing here")}), titled});
    std::vector<std::string> order;
    for (const auto& hit : index.search("needle").hits) order.push_back(hit.path);
    CAPTURE(index.last_answer);
    CHECK(order == std::vector<std::string>{"title", "heading", "prose", "code"});
  });
}

TEST_CASE("a hit shows its best sections, marked and escaped") {
  on_every_index([](RealIndex& index) {
    auto page = document_of("p.md", {section_of("one", "alpha"), section_of("two", "nothing"), section_of("three", "<b>alpha</b> & 'beta'"), section_of("alpha", "nothing"),
                                     section_of("five", "beta"), section_of("six", "", "int alpha;")});
    page.content.title = "A page";
    page.content.url = "/p/";
    page.content.lang = "en";
    index.write({page, document_of("計算.md", {section_of("計", "これは計算機です。")}), document_of("code.md", {section_of("c", "some prose", "let needle = 1;")})});
    const auto result = index.search("alpha beta");
    REQUIRE(result.hits.size() == 1);
    CHECK(result.total == 1);
    const auto& hit = result.hits[0];
    CHECK(hit.path == "p.md");
    CHECK(hit.title == "A page");
    CHECK(hit.source == "docs");
    CHECK(hit.url == "/p/");
    CHECK(hit.lang == "en");
    CHECK(hit.kind == "page");
    CHECK(hit.revision == std::string(40, 'b'));
    CHECK(hit.score > 0);
    REQUIRE(hit.sections.size() == 3);
    CHECK(hit.sections[0].anchor == "three");
    CHECK(hit.sections[0].snippet == "&lt;b&gt;<mark>alpha</mark>&lt;/b&gt; &amp; &#39;<mark>beta</mark>&#39;");
    CHECK(hit.sections[1].anchor == "alpha");
    CHECK(hit.sections[1].snippet == "nothing");

    const auto kanji = index.search("計算機").hits;
    REQUIRE(kanji.size() == 1);
    REQUIRE(kanji[0].sections.size() == 1);
    CHECK(kanji[0].sections[0].snippet == "これは<mark>計算機</mark>です。");
    CHECK(index.search("needle").hits.at(0).sections.at(0).snippet == "let <mark>needle</mark> = 1;");
    // Elasticsearch marks a phrase as a whole, OpenSearch its words.
    const std::string phrase = index.search("\"some prose\" needl*").hits.at(0).sections.at(0).snippet;
    CHECK((phrase == "<mark>some prose</mark>" || phrase == "<mark>some</mark> <mark>prose</mark>"));
  });
}

TEST_CASE("a snippet is about 240 characters around the matches, however long the text is") {
  on_every_index([](RealIndex& index) {
    std::string filler;
    for (int i = 0; i < 2'000; ++i) filler += "filler ";
    std::string kanji;
    for (int i = 0; i < 3'000; ++i) kanji += "字";
    index.write({prose("spaced", filler + "alpha beta " + filler), prose("kanji", kanji + "検索" + kanji), prose("run", std::string(30'000, 'x') + " needle " + std::string(30'000, 'y'))});
    for (const char* query : {"alpha beta", "検索", "needle"}) {
      CAPTURE(query);
      const auto hits = index.search(query).hits;
      REQUIRE(hits.size() == 1);
      REQUIRE(hits[0].sections.size() == 1);
      const std::string& shown = hits[0].sections[0].snippet;
      CAPTURE(shown);
      CHECK(shown.find("<mark>") != std::string::npos);
      CHECK(characters(shown) <= 320);
    }
  });
}

TEST_CASE("filters narrow a search, and a path means itself or a folder above") {
  on_every_index([](RealIndex& index) {
    auto a = prose("docs/guide/a.md", "needle");
    a.content.tags = {"wheels", "a \"b\""};
    a.content.lang = "ja";
    auto data = prose("docs/guide-2/b.json", "needle");
    data.content.kind = parser::Kind::data;
    index.write({a, data, prose("docs", "needle"), prose("caf\xe9/c.md", "needle"), prose("other/docs/guide/a.md", "needle")});
    const auto by = [&](auto set) {
      ingest::SearchQuery query;
      query.text = "needle";
      set(query);
      Paths paths;
      for (const auto& hit : index.search(query).hits) paths.insert(hit.path);
      return paths;
    };
    CHECK(by([](auto& query) { query.path = "docs/guide"; }) == Paths{"docs/guide/a.md"});
    CHECK(by([](auto& query) { query.path = "docs/guide/"; }) == Paths{"docs/guide/a.md"});
    CHECK(by([](auto& query) { query.path = "docs/guide/a.md"; }) == Paths{"docs/guide/a.md"});
    CHECK(by([](auto& query) { query.path = "docs"; }) == Paths{"docs", "docs/guide/a.md", "docs/guide-2/b.json"});
    CHECK(by([](auto& query) { query.path = "docs/gui"; }).empty());
    CHECK(by([](auto& query) { query.path = "caf\xe9"; }) == Paths{"caf%E9/c.md"});
    CHECK(by([](auto& query) { query.path = ""; }).size() == 5);
    CHECK(by([](auto& query) { query.tag = "wheels"; }) == Paths{"docs/guide/a.md"});
    CHECK(by([](auto& query) { query.tag = "a \"b\""; }) == Paths{"docs/guide/a.md"});
    CHECK(by([](auto& query) { query.tag = "wheel"; }).empty());
    CHECK(by([](auto& query) { query.kind = "data"; }) == Paths{"docs/guide-2/b.json"});
    CHECK(by([](auto& query) { query.kind = "quarantined"; }).empty());
    CHECK(by([](auto& query) { query.lang = "ja"; }) == Paths{"docs/guide/a.md"});
    CHECK(by([](auto& query) { query.lang = ""; }).size() == 4);
    CHECK(by([](auto& query) { query.source = "docs"; }).size() == 5);
    CHECK(by([](auto& query) { query.source = "other"; }).empty());
  });
}

TEST_CASE("pages of hits follow one another without gaps, ties in the order of their paths") {
  on_every_index([](RealIndex& index) {
    std::vector<ingest::Operation> operations;
    for (int i = 0; i < 25; ++i) operations.push_back(prose("p" + std::to_string(10 + i), "same needle"));
    operations.push_back(ingest::Quarantined{.key = {"needle.bin", ""}, .oid = {}, .fingerprint = {}, .reason = "needle", .revision = {}});
    index.write(operations);
    std::vector<std::string> paths;
    for (int offset = 0; offset < 30; offset += 7) {
      ingest::SearchQuery query;
      query.text = "needle";
      query.limit = 7;
      query.offset = offset;
      const auto result = index.search(query);
      CHECK(result.total == 25);
      for (const auto& hit : result.hits) paths.push_back(hit.path);
    }
    CHECK(paths.size() == 25);
    CHECK(std::is_sorted(paths.begin(), paths.end()));
    ingest::SearchQuery last;
    last.text = "needle";
    last.offset = ingest::max_search_window - 10;
    CHECK(index.search(last).hits.empty());
    last.limit = 0;
    CHECK(index.search(last).total == 25);
  });
}

TEST_CASE("whatever is typed, the server takes the request") {
  on_every_index([](RealIndex& index) {
    index.write({prose("p", "word 計算機 abc")});
    std::string letters;
    for (int i = 0; i < 255; ++i) letters += "計a";
    std::string kanji;
    for (int i = 0; i < 170; ++i) kanji += "計算";
    std::string words;
    for (int i = 0; i < 32; ++i) words += "w" + std::to_string(i) + " ";
    std::string mixed;
    for (int i = 0; i < 28; ++i) mixed += "計算abc計算 ";
    for (const std::string& query : {std::string("word \xff\xfe"), std::string("\"wo\0rd\"", 7), std::string("word\" OR \"x"), std::string("word)) AND ((title : x"), std::string("a\"\"b\"*"),
                                     std::string("+word -other | (x) ~2 \\"), std::string("^*^* word ***"), std::string("\xe8\xa8 word"), letters, kanji, words, mixed, std::string("a* b* c* d*"),
                                     std::string("foo-ba* (x)y* \"a b\"*"), std::string(1'024, 'x'), std::string(1'023, 'x') + "*", std::string("\u0301 word"), std::string("1* 2")}) {
      CAPTURE(query);
      CHECK_NOTHROW(index.search(query));
    }
    CHECK(index.found("計算機abc") == Paths{"p"});
    CHECK(index.found("算abc").empty());
    CHECK(index.found("\"計算機 abc\"") == Paths{"p"});
    CHECK(index.found("\"word 計算機 ab\"*") == Paths{"p"});
  });
}

}  // namespace tidemark::testing
