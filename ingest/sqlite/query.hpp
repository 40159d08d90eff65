// Reads what people type into a search box, and finds it again in a text. Nothing of it reaches FTS5 but as a quoted string.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/snippet.hpp"
#include "ingest/sqlite/tokenizer.hpp"

namespace tidemark::ingest::sqlite {

// A word or a quoted phrase: tokens that follow one another.
struct Term {
  std::vector<std::string> tokens;
  bool prefix = false;  // of the last token: asked for by a *, or because it is a single letter of a bigram run
};

struct ReadQuery {
  std::vector<Term> terms;  // all must occur
  std::string match;        // the same in FTS5's language
};

// Throws InvalidQuery for a text that is too long, has too many terms, or none that could be searched for.
ReadQuery read_query(std::string_view text, Tokenizer& tokenizer);

// Finds the terms as FTS5 finds them. Keep one per query: it holds the tokens in a form to look them up by.
class Matcher {
 public:
  Matcher(const ReadQuery& query, Tokenizer& tokenizer);
  std::vector<Match> find(std::string_view text) const;  // by start; at most max_matches of them

  static constexpr std::size_t max_matches = 5'000;

 private:
  struct Slot {
    std::size_t term;
    std::size_t index;
  };
  struct Scan;
  static int on_token(void* context, int flags, const char* token, int bytes, int start, int end);

  const ReadQuery& query_;
  Tokenizer& tokenizer_;
  std::map<std::string, std::vector<Slot>, std::less<>> exact_;
  std::vector<Slot> prefixes_;
};

}  // namespace tidemark::ingest::sqlite
