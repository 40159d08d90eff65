// Anchors are JSON pointers (RFC 6901).
#include <fmt/format.h>

#include <algorithm>

#include "parser/parsed.hpp"

namespace tidemark::parser {
namespace {

Document json(std::string_view text) { return parsed("data/some-file.json", text); }
Document yaml(std::string_view text) { return parsed("data/some-file.yaml", text); }

std::string content(const Document& document) {
  std::string result;
  for (const Section& section : document.sections) result += section.content;
  return result;
}
std::string code(const Document& document) {
  std::string result;
  for (const Section& section : document.sections) result += section.code;
  return result;
}

}  // namespace

TEST_CASE("a small JSON file is one section: values as text, an object a line, keys as code") {
  const Document document = json(R"({"name": "pkg", "version": 1.10, "on": true, "off": null, "deps": {"a": "^1", "b": [2, 3]}})");
  CHECK(document.kind == Kind::data);
  CHECK(document.title == "pkg");
  REQUIRE(document.sections.size() == 1);
  CHECK(document.sections[0].anchor == "/name");
  CHECK(document.sections[0].content == "pkg\n1.10\ntrue\n^1 2 3\n");
  CHECK(document.sections[0].code == "name\nversion\non\noff\ndeps\na\nb\n");
  CHECK(document.problems.empty());
}

TEST_CASE("the same data as YAML") {
  const Document document = yaml("name: pkg\nversion: 1.10\non: true\noff:\ndeps:\n  a: ^1\n  b: [2, 3]\n");
  CHECK(document.sections == json(R"({"name": "pkg", "version": 1.10, "on": true, "off": null, "deps": {"a": "^1", "b": [2, 3]}})").sections);
  CHECK(document.title == "pkg");
}

TEST_CASE("a data file's title is its title, else its name, else the file's") {
  CHECK(json(R"({"name": "n", "title": "t"})").title == "t");
  CHECK(json(R"({"title": "t", "name": "n"})").title == "t");
  CHECK(json(R"({"a": {"title": "no"}})").title == "some-file");
  CHECK(json(R"({"title": 7})").title == "some-file");
  CHECK(json("[1, 2]").title == "some-file");
}

TEST_CASE("large files are cut at entries, and everything in them is found once") {
  std::string text = "[";
  for (int i = 0; i < 5'000; ++i)
    text += std::string(i ? "," : "") + R"({"id": )" + std::to_string(i) + R"(, "name": "entry )" + std::to_string(i) + R"(", "note": "計算機"})";
  text += "]";
  const Document document = json(text);
  CHECK(document.problems.empty());
  CHECK(document.sections.size() > 5);
  CHECK(document.sections[0].anchor == "/0");
  CHECK(document.sections[0].heading == "entry 0");
  std::string expected;
  for (int i = 0; i < 5'000; ++i) expected += std::to_string(i) + " entry " + std::to_string(i) + " 計算機\n";
  CHECK(content(document) == expected);
  CHECK(code(document) == "id\nname\nnote\n");
  for (const Section& section : document.sections) {
    CHECK(section.content.size() <= 16 * 1024);
    const std::string first = section.content.substr(0, section.content.find(' '));
    CHECK(section.anchor == "/" + first);
    CHECK(section.heading == "entry " + first);
    CHECK(section.level == 1);
  }
}

TEST_CASE("entries of a list inside the outermost mapping are anchored by pointer") {
  std::string text = R"({"items": [)";
  for (int i = 0; i < 2'000; ++i) text += std::string(i ? "," : "") + R"({"v": "some value of middling length )" + std::to_string(i) + R"("})";
  text += R"(], "a/b~c": "end"})";
  const Document document = json(text);
  CHECK(document.sections.size() > 2);
  CHECK(document.sections[0].anchor == "/items/0");
  CHECK(document.sections[1].anchor.starts_with("/items/"));
  CHECK(code(document) == "items\nv\na/b~c\n");
  CHECK(json(R"({"a/b~c": "end"})").sections.at(0).anchor == "/a~1b~0c");
}

TEST_CASE("one huge entry is cut inside") {
  std::string text = R"({"all": {)";
  for (int i = 0; i < 3'000; ++i) text += std::string(i ? "," : "") + "\"k" + std::to_string(i) + R"(": "a value of some length")";
  text += "}}";
  const Document document = json(text);
  CHECK(document.sections.size() > 3);
  CHECK(document.sections[0].anchor == "/all");
  CHECK(document.sections[1].anchor.starts_with("/all/k"));
  for (const Section& section : document.sections) CHECK(section.content.size() < 17 * 1024);
}

TEST_CASE("a scalar alone is a document") {
  CHECK(content(json("\"text\"")) == "text\n");
  CHECK(content(json("-0.5e3")) == "-0.5e3\n");
  CHECK(content(yaml("just text")) == "just text\n");
  CHECK(json("null").sections.empty());
}

TEST_CASE("edge case 55: lone surrogates in JSON become U+FFFD, pairs are kept") {
  const Document document = json(R"(["a\ud800b", "\udc00", "\ud83d\ude00", "\\ud800", "\ud800\ud83d\ude00"])");
  CHECK(content(document) ==
        "a\xEF\xBF\xBD"
        "b\n\xEF\xBF\xBD\n😀\n\\ud800\n\xEF\xBF\xBD😀\n");
  CHECK(document.problems.size() == 1);
}

TEST_CASE("edge case 55: an escaped NUL becomes U+FFFD") {
  const Document document = json(R"({"k\u0000": "a\u0000b"})");
  CHECK(content(document) ==
        "a\xEF\xBF\xBD"
        "b\n");
  CHECK(code(document) == "k\xEF\xBF\xBD\n");
}

TEST_CASE("broken JSON and YAML: a problem and the raw text") {
  for (const std::string_view text : {"{\"a\": 1,}", "// comment\n{\"a\": 1}", "[1, 2", "{'a': 1}", "{} {}", "[1e999]", "{\"a\": \"unclosed}"}) {
    CAPTURE(text);
    const Document document = json(text);
    CHECK(document.problems.size() == 1);
    CHECK(document.problems[0].starts_with("JSON: "));
    REQUIRE(document.sections.size() == 1);
    CHECK(document.sections[0].content == text);
    CHECK(document.sections[0].level == 0);
  }
  for (const std::string_view text : {"a: b: c", "a: [1", "\tx: 1", "a: *none: b", "%BAD\n---\n- x: y: z"}) {
    CAPTURE(text);
    const Document document = yaml(text);
    CHECK(document.problems.size() == 1);
    CHECK(document.problems[0].starts_with("YAML, line "));
    REQUIRE(document.sections.size() == 1);
    CHECK(document.sections[0].content == text);
  }
}

TEST_CASE("JSON lines: each line an entry, a broken one is a problem and stays as text") {
  const Document document = parsed("x.jsonl", "{\"a\": \"one\"}\n\n{\"a\": \"two\",}\r\n{\"a\": [\"three\"]}");
  REQUIRE(document.problems.size() == 1);
  CHECK(document.problems[0].starts_with("line 3: "));
  const std::string all = content(document);
  CHECK(all.starts_with("one\n"));
  CHECK(all.find("{\"a\": \"two\",}\n") != std::string::npos);
  CHECK(all.ends_with("three\n"));
  CHECK(document.sections.at(0).anchor == "/0");
  CHECK(parsed("x.NDJSON", "1\n2\n").sections.at(0).content == "1\n2\n");
}

TEST_CASE("a file of lines that are not JSON is taken as plain text") {
  std::string text;
  for (int i = 0; i < 3'000; ++i) text += "{\n";
  const Document document = parsed("x.jsonl", text);
  CHECK(document.problems.size() == max_problems);
  CHECK(content(document) == text);
}

TEST_CASE("a byte order mark and surrounding white space are no error") { CHECK(json("\xEF\xBB\xBF\n {\"a\": 1}\n\n").problems.empty()); }

TEST_CASE("JSON deeper than 1,000 levels is cut there, with one problem") {
  const auto nested = [](int levels) { return fmt::format("{}\"deep\"{}", std::string(levels, '['), std::string(levels, ']')); };
  CHECK(json(nested(1'000)).problems.empty());
  CHECK(content(json(nested(1'000))) == "deep\n");
  CHECK(json(nested(1'001)).problems.size() == 1);
  CHECK(json(nested(500'000)).problems.size() == 1);
  CHECK(json(fmt::format("[{}, \"after\"]", nested(2'000))).sections.at(0).content == "after\n");
}

TEST_CASE("YAML deeper than 1,000 levels is taken as plain text, with one problem") {
  for (const std::string_view step : {"[", "- ", "? ", "{a: "}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += step;
    const Document document = yaml(text);
    CHECK(document.problems.size() == 1);
    CHECK(document.sections.size() == 1);
  }
}

TEST_CASE("YAML of several documents: each is an entry") {
  const Document document = yaml("---\nkind: A\nn: 1\n---\nkind: B\n---\n- c\n...\n");
  CHECK(content(document) == "A 1\nB\nc\n");
  CHECK(document.sections.at(0).anchor == "/0");
  CHECK(yaml("--- # one\nkind: A\n").sections.at(0).anchor == "/kind");
  CHECK(yaml("# comment\n%YAML 1.2\n---\nkind: A\n").sections.at(0).anchor == "/kind");
}

TEST_CASE("YAML aliases of texts are repeated, those of lists and mappings are not, and cycles end") {
  CHECK(content(yaml("- &a text\n- *a\n")) == "text\ntext\n");
  CHECK(content(yaml("- &a [x, y]\n- *a\n")) == "x y\n");
  CHECK(content(yaml("- &a [x, *a]\n")) == "x\n");
  CHECK(content(yaml("&k key: v\n*k : w\n")) == "v\nw\n");
  CHECK(code(yaml("base: &b {x: 1}\nuse:\n  <<: *b\n  y: 2\n")) == "base\nx\nuse\n<<\ny\n");
}

TEST_CASE("repeating a long text by aliases is bounded") {
  std::string text = "- &a " + std::string(100'000, 'x') + "\n";
  for (int i = 0; i < 100'000; ++i) text += "- *a\n";
  const Document document = yaml(text);
  CHECK(document.problems.size() == 1);
  CHECK(content(document).size() < 2'000'000);
}

TEST_CASE("YAML keys: equal ones are a problem, those that are no text are taken like values") {
  CHECK(yaml("a: 1\na: 2\n").problems == std::vector<std::string>{"YAML, line 2: the key \"a\" appears again"});
  const Document document = yaml("? [p, q]\n: v\n? {r: s}\n: w\n");
  CHECK(document.problems.empty());
  for (const char* word : {"p", "q", "v", "s", "w"}) CHECK(content(document).find(word) != std::string::npos);
}

TEST_CASE("YAML types do not change the text: dates, numbers, block scalars") {
  CHECK(content(yaml("d: 2019-09-27\nn: 010\nf: 1.10\ny: yes\nz: ~\ns: |\n  two\n  lines\nfold: >\n  a\n  b\n")) ==
        "2019-09-27\n010\n1.10\nyes\ntwo\nlines\na b\n");
}

TEST_CASE("more distinct keys than a document should name are left out, with one problem") {
  std::string text = "{";
  for (int i = 0; i < 150'000; ++i) text += std::string(i ? "," : "") + "\"key number " + std::to_string(i) + "\": 1";
  const Document document = json(text + "}");
  CHECK(document.problems.size() == 1);
  CHECK(code(document).size() < 2'000'000);
}

TEST_CASE("a single long value stays one value") {
  const std::string value(50'000, 'v');
  CHECK(content(json("[\"a\", \"" + value + "\", \"b\"]")) == "a\n" + value + "\nb\n");
}

}  // namespace tidemark::parser
