// Anchors are those that GitHub gives; what counts as a heading is CommonMark 0.31 with GitHub's tables, strikethrough and task lists.
#include <algorithm>

#include "parser/parsed.hpp"

namespace tidemark::parser {
namespace {

std::vector<std::string> anchors(std::string_view text) {
  std::vector<std::string> result;
  for (const Section& section : page(text).sections) result.push_back(section.anchor);
  return result;
}
using List = std::vector<std::string>;

std::string content(std::string_view text) {
  std::string result;
  for (const Section& section : page(text).sections) result += section.content;
  return result;
}

}  // namespace

TEST_CASE("a section reaches from its heading to the next one of any level") {
  const Document document = page("before\n\n# A\n\na\n\n## B\n\nb\n\n### C\n\nc\n\n## D\n\nd\n");
  const std::vector<Section> expected = {
      {"", 0, "", "", "before\n", ""},       {"a", 1, "A", "A", "a\n", ""},     {"b", 2, "B", "A > B", "b\n", ""},
      {"c", 3, "C", "A > B > C", "c\n", ""}, {"d", 2, "D", "A > D", "d\n", ""},
  };
  CHECK(document.sections == expected);
  CHECK(document.kind == Kind::page);
}

TEST_CASE("a level-1 heading equal to the title still makes its section") {
  const Document document = page("---\ntitle: A\n---\n# A\n\ntext\n");
  REQUIRE(document.sections.size() == 1);
  CHECK(document.sections[0].anchor == "a");
}

TEST_CASE("edge case 48: equal headings get GitHub's numbers") {
  CHECK(anchors("# A\n# A\n# A\n") == List{"a", "a-1", "a-2"});
  CHECK(anchors("# echo\n# echo\n# echo 1\n# echo-1\n# echo\n") == List{"echo", "echo-1", "echo-1-1", "echo-1-2", "echo-2"});
}

TEST_CASE("edge case 48: setext headings") {
  const Document document = page("One\n===\n\ntext\n\nTwo\nlines\n---\n");
  REQUIRE(document.sections.size() == 2);
  CHECK(document.sections[0].level == 1);
  CHECK(document.sections[1].heading == "Two lines");
  CHECK(document.sections[1].level == 2);
}

TEST_CASE("edge case 48: Japanese stays in anchors, emoji and punctuation go") {
  CHECK(anchors("# 検索エンジン、入門！\n") == List{"検索エンジン入門"});
  CHECK(anchors("# 😄 emoji\n") == List{"-emoji"});
  CHECK(anchors("# emoji 😄\n") == List{"emoji-"});
  CHECK(anchors("# Привет non-latin 你好\n") == List{"привет-non-latin-你好"});
  CHECK(anchors("# I ♥ unicode_x (really?)\n") == List{"i--unicode_x-really"});
  CHECK(anchors("# Ünï CÖDE Ａ\n") == List{"ünï-cöde-ａ"});
  CHECK(anchors("# `code` and *em* [link](x) ![alt](y)\n") == List{"code-and-em-link"});
}

TEST_CASE("an anchor is never that of the text before the first heading") { CHECK(anchors("x\n\n# 😄\n\n# 🎉\n") == List{"", "-1", "-2"}); }

TEST_CASE("edge case 48: # in code and HTML comments is no heading") {
  CHECK(anchors("# A\n\n```sh\n# not\n```\n\n    # not\n\n~~~\n# not\n~~~\n\n<!--\n# not\n-->\n\n\\# not\n\n#not\n\n`# not`\n") == List{"a"});
}

TEST_CASE("edge case 48: skipped levels and no level 1") {
  const Document document = page("## B\n\n##### E\n\n### C\n\n# A\n\n### X\n");
  List breadcrumbs;
  for (const Section& section : document.sections) breadcrumbs.push_back(section.breadcrumb);
  CHECK(breadcrumbs == List{"B", "B > E", "B > C", "A", "A > X"});
  CHECK(page("## B\n").title == "some-page");
}

TEST_CASE("headings in quotes and lists make sections, as GitHub links to them") { CHECK(anchors("> # Q\n\n- # L\n") == List{"q", "l"}); }

TEST_CASE("prose is plain text: link texts, image alternatives, code spans, entities") {
  CHECK(content("See *the* **[guide](http://x/y \"t\")** and ![a picture](z.png), `x < y`, ~~old~~ &amp; &lt;b&gt; &#12354;&#x3044; &nope;\n") ==
        "See the guide and a picture, x < y, old & <b> あい &nope;\n");
  CHECK(content("<https://example.org/a> https://example.org/b www.example.org\n") ==
        "https://example.org/a https://example.org/b www.example.org\n");
  CHECK(content("&#0; &#xD800; &#x110000; &#99999999999;\n") == "\xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD &#99999999999;\n");
}

TEST_CASE("blocks end with a newline, list items and table rows are lines") {
  CHECK(content("- a\n- b\n  - c\n\n1. d\n\n> e\n> f\n\n- [x] done\n- [ ] open\n") == "a\nb\nc\nd\ne f\ndone\nopen\n");
  CHECK(content("|h1|h2|\n|---|---|\n|a|b|\n|c||\n") == "h1\th2\na\tb\nc\n");
}

TEST_CASE("a line end is a space, but not within Japanese or Chinese") {
  CHECK(content("one\ntwo  \nthree\n") == "one two\nthree\n");
  CHECK(content("計\n算機は\n便利。\nSo is\n日本語\n") == "計算機は便利。 So is 日本語\n");
  CHECK(content("한국어\n문장\n") == "한국어 문장\n");
}

TEST_CASE("code blocks are kept apart from prose, in order") {
  const Document document = page("a\n\n```rust\nfn x() {}\n```\n\nb\n\n    indented\n");
  REQUIRE(document.sections.size() == 1);
  CHECK(document.sections[0].content == "a\nb\n");
  CHECK(document.sections[0].code == "fn x() {}\nindented\n");
}

TEST_CASE("HTML leaves its text only") {
  CHECK(content("a <b>bold</b>er<br>next <!-- hidden --> end\n") == "a bolder\nnext  end\n");
  CHECK(content("<div class=\"x>y\">\n<p>one<b>two</b></p><p>three &amp; four</p>\n</div>\n") == "onetwo\nthree & four\n");
  CHECK(content("<script>\nvar hidden = '</b>';\n</script>\n\n<style>\n.hidden {}\n</style>\n\n<!-- hidden\n\nhidden -->\n\nshown\n") == "shown\n");
  CHECK(content("<p align=center>\n<img src=\"a.png\" alt=\"a logo\">\n</p>\n") == "a logo\n");
  CHECK(content("<details><summary>More</summary>\n\ntext\n\n</details>\n") == "More\ntext\n");
  CHECK(content("1 < 2 and 3 > 2\n") == "1 < 2 and 3 > 2\n");
}

TEST_CASE("the description is the first paragraph of prose, at most 300 characters") {
  CHECK(page("# T\n\n![badge](x)\n\n- list\n\n> quote\n\nFirst *one*.\nStill.\n\nSecond.\n").description == "First one. Still.");
  std::string text;
  for (int i = 0; i < 400; ++i) text += "語";
  CHECK(page(text).description.size() == 900);
  CHECK(page("# only a heading\n").description.empty());
}

TEST_CASE("more than 5,000 sections: the text goes on in the last one, with one problem") {
  std::string text;
  for (int i = 0; i < 6'000; ++i) text += "# h" + std::to_string(i) + "\n\nt" + std::to_string(i) + "\n\n";
  const Document document = page(text);
  CHECK(document.sections.size() == max_sections);
  CHECK(document.problems.size() == 1);
  CHECK(document.sections.back().content.find("h5999\nt5999\n") != std::string::npos);
}

TEST_CASE("a section's text is cut at 900,000 characters, with a problem") {
  std::string text;
  while (text.size() < 3'000'000) text += "語の文章です。 ";
  const Document document = page(text);
  REQUIRE(document.sections.size() == 1);
  const std::string& kept = document.sections[0].content;
  CHECK(std::count_if(kept.begin(), kept.end(), [](char c) { return (c & 0xC0) != 0x80; }) == max_field_characters);
  CHECK(document.problems.size() == 1);
}

TEST_CASE("a long heading is cut, and nothing of it is lost") {
  const std::string heading(2'000, 'x');
  const Document document = page("# " + heading + "\n\n" + "## y\n");
  REQUIRE(document.sections.size() == 2);
  CHECK(document.sections[0].heading + document.sections[0].content == heading + "\n");
  CHECK(document.sections[1].breadcrumb.size() < 1'100);
  CHECK(document.problems.size() == 1);
}

TEST_CASE("markup beyond any prose is taken as plain text instead of costing memory") {
  for (const std::string_view mark : {"[", "*_", ">", "- "}) {
    std::string text;
    while (text.size() < 1'000'000) text += mark;
    const Document document = page(text);
    CHECK(document.sections.size() == 1);
    CHECK_FALSE(document.problems.empty());
  }
}

TEST_CASE("a narrow table under a wide header does not blow up") {
  std::string text, rule;
  for (int i = 0; i < 2'000; ++i) text += "|a", rule += "|-";
  text += "|\n" + rule + "|\n";
  for (int i = 0; i < 20'000; ++i) text += "|\n";
  const Document document = page(text);
  CHECK(document.sections.size() == 1);
  CHECK(document.problems.size() <= 1);
}

TEST_CASE("the language is guessed by its script") {
  CHECK(page("計算機のプログラムを書く。").lang == "ja");
  CHECK(page("这是一个中文句子，搜索引擎和文档。").lang == "zh");
  CHECK(page("한국어 문장입니다.").lang == "ko");
  CHECK(page("The index is level with the repository, and it is searchable.").lang == "en");
  CHECK(page("Der schnelle braune Fuchs springt hoch.").lang.empty());
  CHECK(page("42").lang.empty());
  CHECK(page("---\nlang: fr\n---\nThe index is level with the repository.").lang == "fr");
}

}  // namespace tidemark::parser
