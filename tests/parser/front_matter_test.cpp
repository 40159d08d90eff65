#include "parser/front_matter.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "parser/parsed.hpp"

namespace tidemark::parser {
namespace {

Document with(std::string_view front_matter) { return page("---\n" + std::string(front_matter) + "\n---\nBody\n"); }
nlohmann::json rest(const Document& document) { return nlohmann::json::parse(document.front_matter); }

}  // namespace

TEST_CASE("known keys become fields and leave the rest, which is a JSON object") {
  const Document document = with(
      "title: 検索 engine\ndescription: short\nlang: ja\ntags: [a, 'b c', a]\ndate: 2019-09-27\ndraft: true\nurl: /x\nid: k-1\ncover: "
      "img/x.png\nnested: {a: [1, 2.50, null, yes, true]}");
  CHECK(document.title == "検索 engine");
  CHECK(document.description == "short");
  CHECK(document.lang == "ja");
  CHECK(document.tags == std::vector<std::string>{"a", "b c"});
  CHECK(document.date == "2019-09-27T00:00:00Z");
  CHECK(document.draft);
  CHECK(document.url == "/x");
  CHECK(document.id == "k-1");
  CHECK(document.problems.empty());
  CHECK(rest(document) == nlohmann::json::parse(R"({"cover": "img/x.png", "nested": {"a": [1, "2.50", null, "yes", true]}})"));
  REQUIRE(document.sections.size() == 1);
  CHECK(document.sections[0].content == "Body\n");
}

TEST_CASE("the alternative names of the keys") {
  const Document document =
      with("summary: s\nlanguage: en\ntag: one\nkeywords: two, three\ncategories:\n  - four\npublished: 2020-01-02\npermalink: /p");
  CHECK(document.description == "s");
  CHECK(document.lang == "en");
  CHECK(document.tags == std::vector<std::string>{"one", "two", "three", "four"});
  CHECK(document.date == "2020-01-02T00:00:00Z");
  CHECK(document.url == "/p");
  CHECK(document.front_matter == "{}");
}

TEST_CASE("published as a boolean is no date, and published: false is a draft") {
  const Document document = with("published: false\ncreated: 2020-01-02");
  CHECK(document.draft);
  CHECK(document.date == "2020-01-02T00:00:00Z");
  CHECK(document.problems.empty());
  CHECK_FALSE(with("published: true").draft);
}

TEST_CASE("edge case 42: the date 2014/01/01 is understood") {
  CHECK(with("date: 2014/01/01").date == "2014-01-01T00:00:00Z");
  CHECK(with("date: 2014/01/01").problems.empty());
}

TEST_CASE("edge case 43: an unquoted date stays text wherever it is no date") {
  const Document document =
      with("title: 2026-05-26\nversion: 1.10\nreleased: 2026-05-26\nzip: 0123\nhex: 0x1F\nbig: 123456789012345678901234567890\nquoted: '12'\nn: -7");
  CHECK(document.title == "2026-05-26");
  CHECK_FALSE(document.date);
  CHECK(
      rest(document) ==
      nlohmann::json::parse(
          R"({"version": "1.10", "released": "2026-05-26", "zip": "0123", "hex": "0x1F", "big": "123456789012345678901234567890", "quoted": "12", "n": -7})"));
}

TEST_CASE("a number or boolean as a title is its text") {
  CHECK(with("title: 2020").title == "2020");
  CHECK(with("title: 1.50").title == "1.50");
  CHECK(with("title: true").title == "true");
  CHECK(with("title:\n").title == "some-page");
  CHECK(with("title: ''").title == "some-page");
}

TEST_CASE("edge case 44: a mapping or list where a text is expected stays in the rest, with a problem") {
  const Document document = with("title: {ja: 日本語}\ntags: {a: b}\ndescription: [x]");
  CHECK(document.title == "some-page");
  CHECK(document.tags.empty());
  CHECK(document.problems.size() == 3);
  CHECK(rest(document) == nlohmann::json::parse(R"({"title": {"ja": "日本語"}, "tags": {"a": "b"}, "description": ["x"]})"));
}

TEST_CASE("edge case 45: thousands of keys are kept, and tens of thousands are bounded") {
  std::string some, many;
  for (int i = 0; i < 20'000; ++i) (i < 3'000 ? some : many) += fmt::format("k{}: v\n", i);
  CHECK(rest(with(some)).size() == 3'000);
  const Document document = with(many);
  CHECK(document.problems.size() == 1);
  CHECK(rest(document).size() > 1'000);
  CHECK(rest(document).size() <= 17'000);
}

TEST_CASE("edge case 46: a thematic break is not front matter") {
  const Document rule = page("---\n\nJust prose.\n\nNote: more prose\n\n---\n\nend\n");
  CHECK(rule.front_matter == "{}");
  CHECK(rule.problems.empty());
  CHECK(rule.sections.at(0).content == "Just prose.\nNote: more prose\nend\n");
  const Document list = page("---\n- a\n- b\n---\n");
  CHECK(list.sections.at(0).content.find("a\nb\n") != std::string::npos);
  const Document single = page("---\nplain\n---\n");
  CHECK(single.sections.at(0).heading == "plain");
  const Document late = page("text\n\n---\ntitle: no\n---\n");
  CHECK(late.title == "some-page");
}

TEST_CASE("edge case 46: conflict markers before front matter leave it in the body, within it they are a problem") {
  const Document before = page("<<<<<<< HEAD\n---\ntitle: x\n---\n");
  CHECK(before.title == "some-page");
  CHECK(before.sections.size() >= 1);
  const Document within = with("<<<<<<< HEAD\ntitle: Ours\n=======\ntitle: Theirs\n>>>>>>> branch\nlang: ja");
  CHECK(within.title == "Ours");
  CHECK(within.lang == "ja");
  CHECK(within.problems.size() == 2);
  CHECK(within.sections.at(0).content == "Body\n");
}

TEST_CASE("only a fence on the very first line opens front matter, and it has to be closed") {
  CHECK(page("\n---\ntitle: x\n---\n").title == "some-page");
  CHECK(page(" ---\ntitle: x\n---\n").title == "some-page");
  CHECK(page("----\ntitle: x\n----\n").title == "some-page");
  CHECK(page("---\ntitle: x\n").title == "some-page");
  CHECK(page("---  \ntitle: x\n--- \nb").title == "x");
  CHECK(page("---\ntitle: x\n...\nb").title == "x");
  CHECK(page("---\ntitle: x\n---").title == "x");
  CHECK(page("---\n---\nb").sections.at(0).content == "b\n");
  CHECK(page("---\n# only a comment\n---\nb").sections.at(0).content == "b\n");
}

TEST_CASE("edge case 47: a colon in a title without quotes is recovered") {
  const Document document = with("title: Foo: bar\nlang: en\ntags:\n  - a\n  - b\nnested:\n  k: v");
  CHECK(document.title == "Foo: bar");
  CHECK(document.lang == "en");
  CHECK(document.tags == std::vector<std::string>{"a", "b"});
  CHECK(rest(document) == nlohmann::json::parse(R"({"nested": {"k": "v"}})"));
  REQUIRE(document.problems.size() == 1);
  CHECK(document.problems[0].starts_with("front matter, line 2: "));
  CHECK(document.sections.at(0).content == "Body\n");
}

TEST_CASE("edge case 47: tabs and broken quotes cost at most their own value") {
  const Document tabs = with("title: A\nnested:\n\tk: v\nlang: ja");
  CHECK(tabs.title == "A");
  CHECK(tabs.lang == "ja");
  CHECK(tabs.problems.size() == 1);
  const Document quotes = with("title: \"Say \"hi\" to all\"\ndescription: it's 'fine'\nurl: \"open\nid: z");
  CHECK(quotes.title == "Say \"hi\" to all");
  CHECK(quotes.description == "it's 'fine'");
  CHECK(quotes.id == "z");
  const Document at = with("title: @handle\nlang: `x`\nid: %y");
  CHECK(at.title == "@handle");
  CHECK(at.lang == "`x`");
  CHECK(at.id == "%y");
}

TEST_CASE("a key that appears again is a problem, and the last one counts") {
  const Document document = with("title: one\ntitle: two");
  CHECK(document.title == "two");
  REQUIRE(document.problems.size() == 1);
  CHECK(document.problems[0] == "front matter, line 3: the key \"title\" appears again: the last one counts");
}

TEST_CASE("aliases are resolved, and merge keys are plain keys") {
  const Document document = with("base: &b {x: 1, y: [2]}\nuse: *b\nm:\n  <<: *b\n  z: 3");
  CHECK(rest(document) ==
        nlohmann::json::parse(R"({"base": {"x": 1, "y": [2]}, "use": {"x": 1, "y": [2]}, "m": {"<<": {"x": 1, "y": [2]}, "z": 3}})"));
  CHECK(with("a: *none\ntitle: t").problems.size() == 1);
  CHECK(with("a: &a [*a]\ntitle: t").title == "t");
}

TEST_CASE("a billion laughs stay within the bounds") {
  std::string laughs = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    laughs += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) laughs += std::string(i ? "," : "") + "*" + static_cast<char>(c - 1);
    laughs += "]\n";
  }
  const Document document = with(laughs + "title: t\n");
  CHECK_FALSE(document.problems.empty());
  CHECK(document.problems.size() <= max_problems);
  CHECK(document.front_matter.size() < 200'000);
}

TEST_CASE("front matter deeper than 16 levels is cut there, with one problem") {
  const auto nested = [](int levels) {
    std::string text = "a: ";
    for (int i = 1; i < levels; ++i) text += "[";
    text += "x";
    for (int i = 1; i < levels; ++i) text += "]";
    return text;
  };
  CHECK(with(nested(16)).problems.empty());
  const Document document = with(nested(17) + "\ntitle: t");
  CHECK(document.problems.size() == 1);
  CHECK(document.title == "t");
  CHECK(with(nested(100'000) + "\ntitle: t").title == "t");
}

TEST_CASE("a long value is cut at 8 KiB, whole characters, with a problem") {
  std::string value;
  while (value.size() < max_leaf_bytes) value += "語";
  const Document document = with("title: " + value + "\nkey: v");
  CHECK(document.title.size() == max_leaf_bytes - max_leaf_bytes % 3);
  CHECK(document.problems.size() == 1);
  CHECK(rest(document)["key"] == "v");
}

TEST_CASE("front matter over 256 KiB is not read, and the body still is") {
  const Document document = with("title: t\nx: |\n" + [] {
    std::string block;
    while (block.size() <= max_front_matter_bytes) block += "  some line\n";
    return block;
  }());
  CHECK(document.title == "some-page");
  CHECK(document.problems.size() == 1);
  CHECK(document.sections.at(0).content == "Body\n");
}

TEST_CASE("NUL and lone surrogates can't be smuggled in by escapes") {
  const Document document = with(R"(title: "a\0b")");
  CHECK(document.title ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(with(R"(title: "a\ud800b")").problems.size() == 1);
}

TEST_CASE("TOML front matter stays in the body") {
  const Document document = page("+++\ntitle = \"x\"\n+++\nBody\n");
  CHECK(document.title == "some-page");
  CHECK(document.sections.at(0).content.find("Body") != std::string::npos);
}

}  // namespace tidemark::parser
