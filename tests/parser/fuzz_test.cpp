// Seeded mutations of small files: whatever the bytes are, the promises of document.hpp hold.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "parser/parsed.hpp"

namespace tidemark::parser {
namespace {

struct Seed {
  const char* path;
  std::string_view text;
};

constexpr Seed seeds[] = {
    {"a.md",
     "---\ntitle: 検索 \"x\"\ntags: [a, b]\ndate: 2019-09-27 10:00 +0900\nbase: &b {x: [1, *c]}\nuse: *b\n---\n# A\n\ntext *em* **st** `c` [l](u "
     "\"t\") ![i](s)\n\n## B\n\n|h|i|\n|---|---|\n|a|b|\n\n"
     "<div>x<!-- c --></div>\n\n```\ncode\n```\n\n- [x] t\n  1. n\n\n> q\n\nS\n===\n\n[r]: /u\n&amp; &#12354; <br> 計\n算\n"},
    {"a.md", "---\ntitle: Foo: bar\n\tx: y\n---\n\n# \xF0\x9F\x98\x84 e\n\n# \xF0\x9F\x98\x84 e\n"},
    {"a.json", R"({"name": "n", "items": [{"title": "t\u3042\ud83d\ude00", "v": [1, -2.5e3, true, null, "\ud800"]}, {}], "o": {"p": {"q": "r"}}})"},
    {"a.jsonl", "{\"a\": [1, {\"b\": \"c\"}]}\n[\"x\", \"\\u0000\"]\nnull\n"},
    {"a.yaml", "%YAML 1.2\n--- # c\na: &x !!str 12\nb: [*x, {c: d}, \"\\0\\u3042\"]\n? [k]\n: |\n  block\n  text\n<<: *x\n...\n---\n- e\n- - f\n"},
    {"a.md", "\xFF\xFE\x2D\x00\x2D\x00\x2D\x00"},
    {"a.md", "\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x95\xb6\x8f\xcd\n"},
};

bool is_valid(std::string_view text) {  // by another implementation: the JSON library refuses to write what is not UTF-8
  if (text.find('\0') != std::string_view::npos) return false;
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

void check(const Document& document) {
  std::string all =
      document.title + document.description + document.lang + document.url + document.id + document.front_matter + document.date.value_or("");
  for (const std::string& tag : document.tags) all += tag;
  for (const std::string& problem : document.problems) all += problem;
  REQUIRE(document.problems.size() <= max_problems);
  REQUIRE(document.sections.size() <= max_sections);
  REQUIRE_FALSE(document.title.empty());
  REQUIRE(nlohmann::json::parse(document.front_matter).is_object());
  std::vector<std::string> anchors;
  for (const Section& section : document.sections) {
    REQUIRE(section.level >= 0);
    REQUIRE(section.level <= 6);
    REQUIRE(characters(section.content) <= max_field_characters);
    REQUIRE(characters(section.code) <= max_field_characters);
    all += section.anchor + section.heading + section.breadcrumb + section.content + section.code;
    anchors.push_back(section.anchor);
  }
  std::sort(anchors.begin(), anchors.end());
  REQUIRE(std::adjacent_find(anchors.begin(), anchors.end()) == anchors.end());
  REQUIRE(is_valid(all));
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  Seed pick() { return seeds[below(std::size(seeds))]; }

  std::string mutate(std::string_view from) {
    std::string text(from);
    for (std::size_t steps = 1 + below(8); steps > 0; --steps) step(text);
    return text;
  }

 private:
  void step(std::string& text) {
    static constexpr std::string_view pieces[] = {"---\n",    "\n",           "[",        "]",       "{",       "}",  ":",    ": ",   "- ",
                                                  "#",        "# ",           "`",        "```\n",   "*",       "<",  ">",    "<!--", "-->",
                                                  "|",        "\\",           "\"",       "'",       "\t",      "&",  "&a ",  "*a",   "\xEF\xBB\xBF",
                                                  "\xFF\xFE", "\xED\xA0\x80", "\xE3\x81", "\\ud800", "\\u0000", "? ", "!!x ", "%",    "title: ",
                                                  "\r\n",     "=\n",          "&#0;",     "]("};
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = std::min(below(20), text.size() - at);
    switch (below(6)) {
      case 0:
        text.insert(at, pieces[below(std::size(pieces))]);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 4: {
        std::string many;
        const std::string_view piece = pieces[below(std::size(pieces))];
        for (std::size_t i = below(300); i > 0; --i) many += piece;
        text.insert(at, many);
        break;
      }
      default: {
        const std::string_view other = pick().text;
        text.insert(at, other.substr(below(other.size())));
      }
    }
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("whatever the bytes are, there is a document within the bounds or a reason, and the same one again") {
  const char* more = std::getenv("TIDEMARK_FUZZ_SECONDS");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(more != nullptr ? std::atoi(more) : 0);
  for (unsigned seed = 1; seed <= 3'000 || std::chrono::steady_clock::now() < until; ++seed) {
    Mutator mutator(seed);
    const Seed from = mutator.pick();
    const std::string text = mutator.mutate(from.text);
    CAPTURE(seed);
    const auto result = parse(from.path, text);
    if (const auto* skipped = std::get_if<Skipped>(&result)) {
      REQUIRE(is_valid(skipped->reason));
      REQUIRE_FALSE(skipped->reason.empty());
      continue;
    }
    check(std::get<Document>(result));
    if (seed % 16 == 0) REQUIRE(std::get<Document>(parse(from.path, text)) == std::get<Document>(result));
  }
}

}  // namespace tidemark::parser
