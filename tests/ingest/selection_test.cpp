// Which files are wanted, held against `git check-ignore`, which knows gitignore(5) best.
#include "ingest/selection.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/command.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark::ingest;
namespace testing = tidemark::testing;

namespace {

Selection excluding(std::vector<std::string> patterns) {
  patterns.insert(patterns.begin(), "!default");
  return Selection({.include = {}, .exclude = std::move(patterns)});
}

Selection including(std::vector<std::string> patterns) { return Selection({.include = std::move(patterns), .exclude = {"!default"}}); }

const std::vector<std::string> paths = {"a.md",     "b.md",       "A.md",      "ab.md",       "a/a.md",      "a/b.md", "a/b/a.md",
                                        "a/b/c.md", "b/a/b/a.md", "docs/a.md", "docs/a/b.md", "x/docs/a.md", "a b.md", "[a].md",
                                        "a*.md",    "-a.md",      "!a.md",     "#a.md",       "a/a/a/a.md",  "é.md",   "日本/計算.md",
                                        "a\\b.md",  "a/.h/b.md",  ".md",       "x/ab/ab.md",  "a.md/b.md",   "c/a.mdx"};

// What git would ignore of `paths` if the pattern were the only line of .git/info/exclude.
class Ignoring {
 public:
  Ignoring() { testing::run({"git", "init", "--quiet", folder_.path().string()}, {}, testing::GitRepository::environment()); }

  std::set<std::string> ignored(const std::string& pattern, const std::vector<std::string>& asked) const {
    std::ofstream(folder_ / ".git/info/exclude") << pattern << '\n';
    std::string input;
    for (const auto& path : asked) input += path + '\0';
    const auto answer = testing::run_any({"git", "-C", folder_.path().string(), "check-ignore", "--no-index", "-z", "--stdin"}, input,
                                         testing::GitRepository::environment());
    REQUIRE(answer.status <= 1);  // 1 = none of them
    std::set<std::string> result;
    std::stringstream lines(answer.output);
    for (std::string path; std::getline(lines, path, '\0');) result.insert(path);
    return result;
  }

 private:
  testing::TemporaryDirectory folder_;
};

}  // namespace

TEST_CASE("patterns exclude what git would ignore") {
  const std::vector<std::string> patterns = {"a.md",
                                             "/a.md",
                                             "*.md",
                                             "a",
                                             "a/",
                                             "/a/",
                                             "a/b",
                                             "a/b/",
                                             "a/*",
                                             "a/**",
                                             "**/a",
                                             "**/a.md",
                                             "a/**/a.md",
                                             "**/b/**",
                                             "a/**/b",
                                             "?.md",
                                             "[ab].md",
                                             "[!a].md",
                                             "[^a].md",
                                             "[a-b]*.md",
                                             "*b*",
                                             "docs",
                                             "docs/*.md",
                                             "docs/**/*.md",
                                             "**",
                                             "*",
                                             "/*",
                                             "/**",
                                             "*/a.md",
                                             "*/*/a.md",
                                             "\\[a\\].md",
                                             "a\\*.md",
                                             "\\!a.md",
                                             "\\#a.md",
                                             "[[:upper:]].md",
                                             "[[:alpha:]].md",
                                             "日*",
                                             "日本/*.md",
                                             "?????.md",
                                             "a\\\\b.md",
                                             ".h",
                                             "**/.h/",
                                             ".*",
                                             "a**.md",
                                             "**a.md",
                                             "a/**b.md",
                                             "*/",
                                             "x/*b/*b.md",
                                             "[]a].md",
                                             "[a-]*.md",
                                             "a.md/",
                                             "**/",
                                             "a/**/",
                                             "/a/**/b/a.md",
                                             "**/**/a.md",
                                             "[\\]a].md",
                                             "**/*",
                                             "a/**/**/a.md"};
  const Ignoring git;
  for (const auto& pattern : patterns) {
    CAPTURE(pattern);
    const auto ignored = git.ignored(pattern, paths);
    const auto selection = excluding({pattern});
    for (const auto& path : paths) {
      CAPTURE(path);
      CHECK(selection.wants(path) == !ignored.contains(path));
    }
  }
}

TEST_CASE("random patterns exclude what git would ignore") {
  std::mt19937 random(20260101);
  const std::vector<std::string> pieces = {"a", "b", "*", "?", "**", "/", "/**/", "[ab]", "[!a]", "a.md", ".md", "*.md", "docs", "ab"};
  const Ignoring git;
  int compared = 0;
  for (int round = 0; round < 300; ++round) {
    std::string pattern;
    const auto length = 1 + random() % 5;
    for (std::size_t at = 0; at < length; ++at) pattern += pieces[random() % pieces.size()];
    if (pattern.find("//") != std::string::npos || pattern == "/") continue;  // refused: an empty segment
    CAPTURE(pattern);
    const auto ignored = git.ignored(pattern, paths);
    const auto selection = excluding({pattern});
    for (const auto& path : paths) {
      CAPTURE(path);
      CHECK(selection.wants(path) == !ignored.contains(path));
    }
    ++compared;
  }
  CHECK(compared > 200);
}

TEST_CASE("a folder is not entered only if nothing below it is wanted") {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"a", "b", "*", "**/", "/", "/**/", "[ab]", "*.md", "docs", "a.md", "/a"};
  for (int round = 0; round < 2'000; ++round) {
    std::string pattern;
    for (std::size_t at = 0; at < 1 + random() % 4; ++at) pattern += pieces[random() % pieces.size()];
    std::vector<Selection> selections;
    try {
      selections.push_back(including({pattern}));
      selections.push_back(excluding({pattern}));
    } catch (const std::invalid_argument&) {
      continue;
    }
    CAPTURE(pattern);
    for (const auto& selection : selections) {
      for (const auto& path : paths) {
        if (!selection.wants(path)) continue;
        CAPTURE(path);
        for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
          CHECK(selection.enters(path.substr(0, slash)));
      }
    }
  }
  CHECK_FALSE(including({"docs/**/*.md"}).enters("src"));
  CHECK_FALSE(excluding({"vendor/"}).enters("a/vendor"));
  CHECK_FALSE(excluding({"vendor/"}).enters("a/vendor/b"));
}

TEST_CASE("the default takes Markdown and data files and leaves dot folders, lock files, node_modules and vendor") {
  const Selection selection({});
  for (const auto* path : {"README.md", "docs/a.MD", "a/b/c.markdown", "data.json", "x.YAML", "x.yml", ".travis.yml", "docs/日本語.md", "vendor.md",
                           "a/node_modules.json", "lock.json"}) {
    CAPTURE(path);
    CHECK(selection.wants(path));
  }
  for (const auto* path : {"main.cpp", "README", "a.png", ".github/a.md", "a/.b/c.md", "package-lock.json", "a/package-lock.json", "pnpm-lock.yaml",
                           "node_modules/x/README.md", "a/node_modules/b.md", "vendor/a.md", "x/vendor/y/a.json", "md", "a.md/b"}) {
    CAPTURE(path);
    CHECK_FALSE(selection.wants(path));
  }
}

TEST_CASE("excludes are added to the default, unless !default comes first") {
  CHECK_FALSE(Selection({.include = {}, .exclude = {"drafts/"}}).wants("vendor/a.md"));
  CHECK_FALSE(Selection({.include = {}, .exclude = {"drafts/"}}).wants("drafts/a.md"));
  CHECK(Selection({.include = {}, .exclude = {"!default", "drafts/"}}).wants("vendor/a.md"));
  CHECK(Selection({.include = {}, .exclude = {"!default"}}).wants(".github/a.md"));
}

TEST_CASE("an include narrows: the file itself or a folder above it") {
  CHECK(including({"docs/"}).wants("docs/a/b.md"));
  CHECK(including({"docs"}).wants("x/docs/b.md"));
  CHECK_FALSE(including({"/docs"}).wants("x/docs/b.md"));
  CHECK_FALSE(including({"docs/"}).wants("docs/a.png"));
  CHECK_FALSE(including({"docs/*.md"}).wants("docs/a/b.md"));
  CHECK(including({"*.json", "README.md"}).wants("x/a.json"));
  CHECK_FALSE(including({"*.json", "README.md"}).wants("x/a.yaml"));
}

TEST_CASE("patterns that can't be read or can match nothing are refused by name") {
  for (const auto* pattern : {"", "/", "a//b", "!a", "[a", "[", "a\\", "[[:alpha]", "[[:nothing:]]", "a/[b/c", "*.txt", "docs/*.png"}) {
    CAPTURE(pattern);
    CHECK_THROWS_AS(including({pattern}), std::invalid_argument);
  }
  CHECK_THROWS_AS(including({std::string(2'000, 'a')}), std::invalid_argument);
  CHECK_THROWS_AS(including({std::string("a\0b", 3)}), std::invalid_argument);
  CHECK_THROWS_AS(including(std::vector<std::string>(1'001, "a")), std::invalid_argument);
}

TEST_CASE("a hostile pattern costs no more than pattern times path") {
  std::string stars;
  for (int at = 0; at < 300; ++at) stars += "*a";
  std::string depths = "**/";
  for (int at = 0; at < 100; ++at) depths += "a/**/";
  const auto selection = excluding({stars + "b", depths + "*.zz", std::string(1'000, '*') + "b"});
  std::string path;
  for (int at = 0; at < 1'000; ++at) path += "a/";
  path += std::string(2'000, 'a') + ".md";
  const auto begin = std::chrono::steady_clock::now();
  CHECK(selection.wants(path));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("canonical is the same for the same selection and differs with what selects") {
  const auto base = Selection({.include = {"a", "b"}, .exclude = {"c", "d"}}).canonical();
  CHECK(base == Selection({.include = {"b", "a", "b"}, .exclude = {"d", "c"}}).canonical());
  CHECK(base != Selection({.include = {"a"}, .exclude = {"b", "c", "d"}}).canonical());
  CHECK(base != Selection({.include = {"a", "b"}, .exclude = {"!default", "c", "d"}}).canonical());
  CHECK(base != Selection({.include = {"a", "b"}, .exclude = {"c", "d"}, .max_file_size = 7}).canonical());
  CHECK(excluding({"a b"}).canonical() != excluding({"a", "b"}).canonical());
}

TEST_CASE("a document's fingerprint depends on the size limit but not on the patterns") {
  CHECK(Selection({.include = {"docs/"}, .exclude = {}}).document_settings() == Selection({}).document_settings());
  CHECK(Selection({.include = {}, .exclude = {}, .max_file_size = 7}).document_settings() != Selection({}).document_settings());
}
