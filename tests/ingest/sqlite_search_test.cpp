// What a search in the embedded index finds and shows: Japanese and Korean, marks and snippets, sections.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "ingest/sqlite/query.hpp"
#include "ingest/query_text.hpp"
#include "ingest/snippet.hpp"
#include "ingest/sqlite_index.hpp"

namespace {

using namespace tidemark::ingest;
using namespace tidemark::ingest::test;
namespace parser = tidemark::parser;

using Paths = std::vector<std::string>;

// An index with one page per text, named a, b, c ...
class Pages {
 public:
  explicit Pages(const std::vector<std::string>& texts) : engine_(index_.open()) {
    std::vector<Operation> operations;
    for (std::size_t i = 0; i < texts.size(); ++i) operations.emplace_back(page(std::string(1, static_cast<char>('a' + i)), texts[i]));
    commit_run(*engine_, Mode::rebuild, 1'000, operations, 1);
  }
  Paths operator()(const std::string& query) {
    Paths paths = found(*engine_, query);
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  std::string snippet(const std::string& query) {
    SearchQuery search;
    search.text = query;
    const SearchResult result = engine_->search(search);
    REQUIRE_FALSE(result.hits.empty());
    return result.hits[0].sections.empty() ? "" : result.hits[0].sections[0].snippet;
  }

 private:
  SqliteIndex index_;
  std::unique_ptr<Engine> engine_;
};

TEST_CASE("日東 and 日東電工 find 日東電工株式会社の経営者") {
  Pages search({"日東電工株式会社の経営者", "日本東方電気工業"});
  CHECK(search("日東") == Paths{"a"});
  CHECK(search("日東電工") == Paths{"a"});
  CHECK(search("経営者") == Paths{"a"});
}

TEST_CASE("東京 finds kana-and-kanji documents also beside a kanji-only one") {
  Pages search({"東京", "東京へ行きました", "とうきょうタワーは東京にある", "京東"});
  CHECK(search("東京") == Paths{"a", "b", "c"});
}

TEST_CASE("有料配信 finds 無観客有料配信イベント and nothing that has just its parts") {
  Pages search({"無観客有料配信イベント", "有料の駐車場から配信する", "配信は有料", "料配"});
  CHECK(search("有料配信") == Paths{"a"});
}

TEST_CASE("健 does not find 見") {
  Pages search({"健康", "見学", "保健"});
  CHECK(search("健") == Paths{"a", "c"});
}

TEST_CASE("出会い系 and 資金決済法 are found as a whole, not by the hub page of their fragments") {
  Pages search({"系 法 出会い 資金 決済 資金 系 法", "出会い系サイト規制", "資金決済法に基づく表示"});
  CHECK(search("出会い系") == Paths{"b"});
  CHECK(search("資金決済法") == Paths{"c"});
}

TEST_CASE("a word in the middle of a clause is found") {
  Pages search({"この文章は全文検索エンジンについて書いたものです", "別の文章"});
  CHECK(search("検索") == Paths{"a"});
  CHECK(search("エンジン") == Paths{"a"});
  CHECK(search("文章") == Paths{"a", "b"});
}

TEST_CASE("計算 finds 計算機") {
  Pages search({"計算機", "計画と予算"});
  CHECK(search("計算") == Paths{"a"});
}

TEST_CASE("a query of one letter finds it wherever it stands: 野 finds 野比大雄 and 平野") {
  Pages search({"野比大雄", "平野", "野", "山", "小野寺"});
  CHECK(search("野") == Paths{"a", "b", "c", "e"});
  CHECK(search.snippet("雄") == "野比大<mark>雄</mark>");
  CHECK(search.snippet("寺") == "小野<mark>寺</mark>");
}

TEST_CASE("marks stand exactly around what was searched for in Japanese text") {
  Pages search({"全文検索は、検索エンジンの検索。"});
  CHECK(search.snippet("検索") == "全文<mark>検索</mark>は、<mark>検索</mark>エンジンの<mark>検索</mark>。");
  CHECK(search.snippet("索") == "全文検<mark>索</mark>は、検<mark>索</mark>エンジンの検<mark>索</mark>。");
  CHECK(search.snippet("索エン") == "全文検索は、検<mark>索エン</mark>ジンの検索。");
}

TEST_CASE("hiragana and katakana words are found") {
  Pages search({"ひらがなだけのぶんしょう", "カタカナダケノブンショウ", "漢字"});
  CHECK(search("ぶんしょう") == Paths{"a"});
  CHECK(search("カタカナ") == Paths{"b"});
}

TEST_CASE("Korean is found within its words, composed or not") {
  Pages search({"안녕하세요 세계", "한국어 검색"});
  CHECK(search("하세요") == Paths{"a"});
  CHECK(search("검색") == Paths{"b"});
  CHECK(search("색") == Paths{"b"});
  CHECK(search("\u1112\u1161\u11ab\u1100\u116e\u11a8") == Paths{"b"});
}

TEST_CASE("phrases reach across scripts and widths") {
  Pages search({"SQLiteの計算とＰＯＳＴＧＲＥＳの計算", "計算のSQLite", "ｶﾞｲﾄﾞ"});
  CHECK(search("SQLiteの計算") == Paths{"a"});
  CHECK(search("SQLiteの") == Paths{"a"});
  CHECK(search("のSQLite") == Paths{"b"});
  CHECK(search("Postgres") == Paths{"a"});
  CHECK(search("ガイド") == Paths{"c"});
  CHECK(search.snippet("ガイド") == "<mark>ｶﾞｲﾄﾞ</mark>");
  CHECK(search.snippet("ガ") == "<mark>ｶﾞ</mark>ｲﾄﾞ");
  CHECK(search("SQLite　計算") == Paths{"a", "b"});
}

// The oracle is the plain search for a substring.
TEST_CASE("any piece of a run is found, and marked, just where it stands") {
  std::mt19937 random(7);
  const std::vector<std::string> letters{"日", "本", "の", "ア", "한", "𠮷"};
  const auto text_of = [&](std::size_t count) {
    std::string text;
    for (; count > 0; --count) text += letters[random() % letters.size()];
    return text;
  };
  std::vector<std::string> texts;
  for (int i = 0; i < 26; ++i) texts.push_back(text_of(1 + random() % 12));
  Pages search(texts);
  sqlite::Connection connection(":memory:", sqlite::Connection::Access::creator, 64);
  sqlite::Tokenizer tokenizer(connection.fts5());
  for (int round = 0; round < 300; ++round) {
    const std::string query = text_of(1 + random() % 4);
    CAPTURE(query);
    Paths expected;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].find(query) != std::string::npos) expected.emplace_back(1, static_cast<char>('a' + i));
    }
    CHECK(search(query) == expected);
    const sqlite::ReadQuery read = sqlite::read_query(query, tokenizer);
    const sqlite::Matcher matcher(read, tokenizer);
    for (const std::string& text : texts) {
      std::vector<std::pair<std::size_t, std::size_t>> places;
      for (auto at = text.find(query); at != std::string::npos; at = text.find(query, at + 1)) places.emplace_back(at, at + query.size());
      std::vector<std::pair<std::size_t, std::size_t>> marked;
      for (const Match& match : matcher.find(text)) marked.emplace_back(match.start, match.end);
      CHECK(marked == places);
    }
  }
}

TEST_CASE("a snippet is HTML with nothing but the marks unescaped") {
  Pages search({"<script>alert('x')</script> & \"word\" <b>word</b>"});
  CHECK(search.snippet("word") ==
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;<mark>word</mark>&quot; &lt;b&gt;<mark>word</mark>&lt;/b&gt;");
  CHECK(search.snippet("script") == "&lt;<mark>script</mark>&gt;alert(&#39;x&#39;)&lt;/<mark>script</mark>&gt; &amp; &quot;word&quot; &lt;b&gt;word&lt;/b&gt;");
}

std::size_t characters(std::string text) {
  for (const std::string tag : {"<mark>", "</mark>"}) {
    for (auto at = text.find(tag); at != std::string::npos; at = text.find(tag)) text.erase(at, tag.size());
  }
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

TEST_CASE("a snippet is about 240 characters around the densest matches, cut between characters") {
  std::string filler;
  for (int i = 0; i < 200; ++i) filler += "filler ";
  Pages search({filler + "alpha " + filler + "alpha beta " + filler, std::string(3'000, 'x') + " 計" + std::string(3'000, 'y')});
  const std::string dense = search.snippet("alpha beta");
  CHECK(dense.find("<mark>alpha</mark> <mark>beta</mark>") != std::string::npos);
  CHECK(characters(dense) <= 242);
  CHECK(characters(dense) >= 200);
  CHECK(dense.starts_with("…filler "));
  CHECK(dense.ends_with("…"));
  CHECK(search.snippet("計").find("<mark>計</mark>") != std::string::npos);

  std::string japanese;
  for (int i = 0; i < 500; ++i) japanese += i == 250 ? "検索" : "か\u3099";
  Pages voiced({japanese});
  const std::string snippet = voiced.snippet("検索");
  CHECK(snippet.find("<mark>検索</mark>") != std::string::npos);
  CHECK(snippet.starts_with("…か"));
  CHECK(snippet.ends_with("\u3099…"));
}

Document sectioned(const std::string& path, const std::vector<parser::Section>& sections) {
  Document document = page(path, "");
  document.content.sections = sections;
  return document;
}

parser::Section section(const std::string& heading, const std::string& content, const std::string& code = "") {
  return {.anchor = heading, .level = 2, .heading = heading, .breadcrumb = heading, .content = content, .code = code};
}

TEST_CASE("a snippet shows a match at its edge whole") {
  const auto repeated = [](const std::string& piece, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += piece;
    return text;
  };
  // The text ends soon after the densest place, so the window reaches back, to about the first match.
  for (int gap = 210; gap < 220; ++gap) {
    Pages search({repeated("あ", 40) + "計算" + repeated("い", gap) + "計算計算" + repeated("う", 20)});
    const std::string shown = search.snippet("計算");
    CAPTURE(shown);
    CHECK(shown.find("<mark>算") == std::string::npos);
    CHECK(shown.find("計</mark>") == std::string::npos);
  }
}

TEST_CASE("a hit shows its best sections: those with most of the words first, then those named so") {
  SqliteIndex index;
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000,
             {sectioned("p.md", {section("one", "alpha"), section("two", "nothing"), section("three", "alpha beta"), section("alpha", "nothing"), section("five", "beta"),
                                 section("six", "", "int alpha;")})},
             1);
  SearchQuery query;
  query.text = "alpha beta";
  const SearchResult result = engine->search(query);
  REQUIRE(result.hits.size() == 1);
  REQUIRE(result.hits[0].sections.size() == 3);
  CHECK(result.hits[0].sections[0].anchor == "three");
  CHECK(result.hits[0].sections[0].snippet == "<mark>alpha</mark> <mark>beta</mark>");
  CHECK(result.hits[0].sections[1].anchor == "alpha");
  CHECK(result.hits[0].sections[1].snippet == "nothing");
  CHECK(result.hits[0].sections[2].anchor == "one");
  query.text = "int";
  CHECK(engine->search(query).hits.at(0).sections.at(0).snippet == "<mark>int</mark> alpha;");
}

TEST_CASE("words may stand in different sections, a phrase may not reach over two") {
  SqliteIndex index;
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, {sectioned("p.md", {section("one", "alpha beta"), section("two", "gamma 日"), section("three", "本 delta")})}, 1);
  CHECK(found(*engine, "alpha delta") == Paths{"p.md"});
  CHECK(found(*engine, "\"alpha beta\"") == Paths{"p.md"});
  CHECK(found(*engine, "\"beta gamma\"").empty());
  CHECK(found(*engine, "日本").empty());
  CHECK(found(*engine, "\"one two\"").empty());
}

TEST_CASE("title, description, tags and headings are searched, the title counting most") {
  SqliteIndex index;
  const auto engine = index.open();
  Document titled = page("titled.md", "nothing here");
  titled.content.title = "Needle";
  Document described = page("described.md", "nothing here");
  described.content.description = "about a needle";
  Document tagged = page("tagged.md", "nothing here");
  tagged.content.tags = {"haystack", "needle"};
  commit_run(*engine, Mode::rebuild, 1'000, {page("prose.md", "a needle in a text"), titled, described, tagged, sectioned("headed.md", {section("needle", "nothing here")})}, 1);
  const Paths paths = found(*engine, "needle");
  CHECK(paths.size() == 5);
  CHECK(paths.front() == "titled.md");
  CHECK(paths[1] == "headed.md");
  SearchQuery query;
  query.text = "needle";
  CHECK(engine->search(query).hits[0].sections.empty());
}

TEST_CASE("a description taken from the prose counts once") {
  SqliteIndex index;
  const auto engine = index.open();
  Document repeated = page("a.md", "needle and thread in a basket");
  repeated.content.description = "needle and thread";
  commit_run(*engine, Mode::rebuild, 1'000, {repeated, page("b.md", "needle and thread in a basket")}, 1);
  SearchQuery query;
  query.text = "needle";
  const SearchResult result = engine->search(query);
  REQUIRE(result.hits.size() == 2);
  CHECK(result.hits[0].score == result.hits[1].score);
}

TEST_CASE("queries are bounded, and hostile ones are harmless") {
  Pages search({"word"});
  std::string many;
  for (std::size_t i = 0; i <= max_query_terms; ++i) many += "w" + std::to_string(i) + ' ';
  CHECK_THROWS_AS(search(many), InvalidQuery);
  CHECK_THROWS_AS(search("a* b* c* d* e*"), InvalidQuery);
  CHECK_THROWS_AS(search("一 二 三 四 五"), InvalidQuery);
  CHECK_NOTHROW(search("w* 二 三 四"));
  for (const std::string& query : {std::string("word \xff\xfe"), std::string("\"wo\0rd\"", 7), std::string("word\" OR \"x"), std::string("word)) AND ((title : x"), std::string("a\"\"b\"*"),
                                   std::string("word '; DROP TABLE document; --"), std::string("^*^* word ***"), std::string("\xe8\xa8 word")}) {
    CAPTURE(query);
    CHECK_NOTHROW(search(query));
  }
  CHECK(search("word") == Paths{"a"});
}

}  // namespace
