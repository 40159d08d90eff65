// How text becomes words: runs of Chinese, Japanese and Korean letters as bigrams, everything else by unicode61, offsets of the original bytes.
#include "ingest/sqlite/tokenizer.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "ingest/letters.hpp"

namespace {

using namespace tidemark::ingest::sqlite;

struct Token {
  std::string text;
  int position = 0;
  std::string covers;  // the original bytes
  bool operator==(const Token&) const = default;
};

std::ostream& operator<<(std::ostream& out, const std::vector<Token>& tokens) {
  for (const Token& token : tokens) out << token.text << '@' << token.position << '[' << token.covers << "] ";
  return out;
}

class Words {
 public:
  Words() : connection_(":memory:", Connection::Access::creator, 64), tokenizer_(connection_.fts5()) {}

  std::vector<Token> operator()(std::string_view text, Tokenizer::Purpose purpose = Tokenizer::Purpose::document) {
    Collected collected{text, {}, -1, 0};
    CHECK(tokenizer_.tokenize(text, purpose, &collected, collect) == 0);
    return collected.tokens;
  }
  std::vector<Token> query(std::string_view text) { return (*this)(text, Tokenizer::Purpose::query); }

 private:
  struct Collected {
    std::string_view text;
    std::vector<Token> tokens;
    int position;
    int last_start;
  };

  static int collect(void* context, int flags, const char* token, int bytes, int start, int end) {
    auto& to = *static_cast<Collected*>(context);
    if ((flags & 1) == 0) ++to.position;
    REQUIRE(start >= 0);
    REQUIRE(start < end);
    REQUIRE(static_cast<std::size_t>(end) <= to.text.size());
    REQUIRE(start >= to.last_start);
    to.last_start = start;
    to.tokens.push_back({std::string(token, static_cast<std::size_t>(bytes)), to.position, std::string(to.text.substr(start, end - start))});
    return 0;
  }

  Connection connection_;
  Tokenizer tokenizer_;
};

using Tokens = std::vector<Token>;

TEST_CASE("words of spaced scripts are SQLite's own: lower case, without diacritics") {
  Words words;
  CHECK(words("The Café's 2 naïve_ideas") == Tokens{{"the", 0, "The"}, {"cafe", 1, "Café"}, {"s", 2, "s"}, {"2", 3, "2"}, {"naive", 4, "naïve"}, {"ideas", 5, "ideas"}});
  CHECK(words("ПРИВЕТ ΕΛΛΑΣ") == Tokens{{"привет", 0, "ПРИВЕТ"}, {"ελλασ", 1, "ΕΛΛΑΣ"}});
  CHECK(words("cafe\u0301") == Tokens{{"cafe", 0, "cafe\u0301"}});
  CHECK(words("").empty());
  CHECK(words("... --- !?").empty());
}

TEST_CASE("a run of letters becomes overlapping bigrams, and in a document its last letter once more") {
  Words words;
  CHECK(words("計算機") == Tokens{{"計算", 0, "計算"}, {"算機", 1, "算機"}, {"機", 1, "機"}});
  CHECK(words.query("計算機") == Tokens{{"計算", 0, "計算"}, {"算機", 1, "算機"}});
  CHECK(words("野") == Tokens{{"野", 0, "野"}});
  CHECK(words.query("野") == Tokens{{"野", 0, "野"}});
  CHECK(words("計算。機") == Tokens{{"計算", 0, "計算"}, {"算", 0, "算"}, {"機", 1, "機"}});
}

TEST_CASE("scripts written without spaces are one run together") {
  Words words;
  CHECK(words.query("データの計算") == Tokens{{"デー", 0, "デー"}, {"ータ", 1, "ータ"}, {"タの", 2, "タの"}, {"の計", 3, "の計"}, {"計算", 4, "計算"}});
  CHECK(words.query("人々〇") == Tokens{{"人々", 0, "人々"}, {"々〇", 1, "々〇"}});
  CHECK(words.query("안녕") == Tokens{{"안녕", 0, "안녕"}});
  CHECK(words.query("𠮷野家") == Tokens{{"𠮷野", 0, "𠮷野"}, {"野家", 1, "野家"}});
}

TEST_CASE("positions go on across scripts") {
  Words words;
  CHECK(words("SQLiteの計算 v3") ==
        Tokens{{"sqlite", 0, "SQLite"}, {"の計", 1, "の計"}, {"計算", 2, "計算"}, {"算", 2, "算"}, {"v3", 3, "v3"}});
}

TEST_CASE("full-width and half-width forms are their normal ones, with offsets of what was written") {
  Words words;
  CHECK(words("ＳＱＬｉｔｅ３") == Tokens{{"sqlite3", 0, "ＳＱＬｉｔｅ３"}});
  CHECK(words("xＡ（ｂ）") == Tokens{{"xa", 0, "xＡ"}, {"b", 1, "ｂ"}});
  CHECK(words.query("ｶﾞｲﾄﾞ") == Tokens{{"ガイ", 0, "ｶﾞｲ"}, {"イド", 1, "ｲﾄﾞ"}});
  CHECK(words.query("ﾊﾟｰｿﾝ") == Tokens{{"パー", 0, "ﾊﾟｰ"}, {"ーソ", 1, "ｰｿ"}, {"ソン", 2, "ｿﾝ"}});
}

TEST_CASE("letters and their marks are one letter, composed or not") {
  Words words;
  CHECK(words.query("か\u3099くし") == Tokens{{"がく", 0, "か\u3099く"}, {"くし", 1, "くし"}});
  CHECK(words.query("\u1112\u1161\u11ab\u1100\u1173\u11af") == Tokens{{"한글", 0, "\u1112\u1161\u11ab\u1100\u1173\u11af"}});
  CHECK(words.query("葛\U000E0100城") == Tokens{{"葛城", 0, "葛\U000E0100城"}});
  CHECK(words.query("\uFA19社") == Tokens{{"神社", 0, "\uFA19社"}});
}

TEST_CASE("punctuation and emoji end a run") {
  Words words;
  CHECK(words.query("計算・機械、🐙山") == Tokens{{"計算", 0, "計算"}, {"機械", 1, "機械"}, {"山", 2, "山"}});
  CHECK(words("🐙🎉").empty());
}

TEST_CASE("the boundary between sections is a word that no query has") {
  Words words;
  const std::string text = "one" + std::string(section_boundary) + "two";
  const Tokens tokens = words(text);
  REQUIRE(tokens.size() == 3);
  CHECK(tokens[2] == Token{"two", 2, "two"});
  CHECK(words.query(text) == Tokens{{"one", 0, "one"}, {"two", 1, "two"}});
}

TEST_CASE("bytes that are not UTF-8 end a run and harm nothing") {
  Words words;
  CHECK(words("計\xff算") == Tokens{{"計", 0, "計"}, {"算", 1, "算"}});
  CHECK(words("計\xe7\xae").at(0) == Token{"計", 0, "計"});
  CHECK(words(std::string_view("a\0b", 3)) == Tokens{{"a", 0, "a"}, {"b", 1, "b"}});

  // Offsets are checked by Words itself, in order and within the text; under a sanitizer also every access.
  std::mt19937 random(1);
  const std::vector<std::string> pieces{"a", "Ｂ", " ", "計", "ｶ", "ﾞ", "\u3099", "\u1112", "\u1161", "\xff", "\xe3\x81", "\xf0", "\uFE0F", "\uFDD0", "🐙", "é", "\u0301", std::string(1, '\0')};
  for (int round = 0; round < 3'000; ++round) {
    std::string text;
    for (auto left = random() % 12; left > 0; --left) text += pieces[random() % pieces.size()];
    if (random() % 4 == 0) text += static_cast<char>(random());
    words(text);
    words.query(text);
  }
}

TEST_CASE("a single letter of a run is told from a word") {
  CHECK(is_single_letter("野"));
  CHECK(is_single_letter("の"));
  CHECK(is_single_letter("한"));
  CHECK_FALSE(is_single_letter("野比"));
  CHECK_FALSE(is_single_letter("a"));
  CHECK_FALSE(is_single_letter(""));
}

}  // namespace
