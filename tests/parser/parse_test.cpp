#include "parser/parsed.hpp"

namespace tidemark::parser {

TEST_CASE("the extension tells the format, whatever its case") {
  CHECK(format_of("README.md") == Format::markdown);
  CHECK(format_of("a/b/CHANGES.Markdown") == Format::markdown);
  CHECK(format_of("x.mdx") == Format::markdown);
  CHECK(format_of("x.mkd") == Format::markdown);
  CHECK(format_of("x.mdown") == Format::markdown);
  CHECK(format_of("x.JSON") == Format::json);
  CHECK(format_of("x.jsonl") == Format::json);
  CHECK(format_of("x.ndjson") == Format::json);
  CHECK(format_of("x.geojson") == Format::json);
  CHECK(format_of("x.webmanifest") == Format::json);
  CHECK(format_of("x.yml") == Format::yaml);
  CHECK(format_of("x.yaml") == Format::yaml);
  CHECK_FALSE(format_of("x.csv"));
  CHECK_FALSE(format_of("md"));
  CHECK_FALSE(format_of("dir.md/file"));
  CHECK_FALSE(format_of("x.md "));
  CHECK_FALSE(format_of(""));
}

TEST_CASE("a file of another format is skipped with a reason") { CHECK_FALSE(reason("x.csv", "a,b").empty()); }

TEST_CASE("the title is front matter's, else the first level-1 heading, else the file's name") {
  CHECK(page("---\ntitle: A\n---\n# B\n").title == "A");
  CHECK(page("## C\n\n# B\n\n# D\n").title == "B");
  CHECK(page("## C\n").title == "some-page");
  CHECK(parsed("a/計算機.md", "").title == "計算機");
  CHECK(parsed("a/.hidden.md", "").title == ".hidden");
  CHECK(parsed("a/.md", "").title == ".md");
  CHECK(parsed("a/\xff.md", "").title == "\xEF\xBF\xBD");
}

TEST_CASE("an empty file is a document without sections") {
  for (const char* path : {"a.md", "a.yaml", "a.jsonl"}) {
    const Document document = parsed(path, "");
    CHECK(document.sections.empty());
    CHECK(document.problems.empty());
    CHECK(document.title == "a");
    CHECK(document.front_matter == "{}");
  }
}

}  // namespace tidemark::parser
