// The words of a text, as documents and queries are matched by them.
//
// A run of Chinese, Japanese or Korean letters (Han, kana and Hangul mixed) becomes overlapping bigrams; in a document its last letter is given once more by
// itself at the last bigram's position. So a query of n letters is a phrase of n-1 bigrams, and one of a single letter is a prefix. Everything else goes
// through SQLite's own unicode61 (case and diacritics folded). Full-width and half-width forms are folded; offsets are always of the original bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

// Between the sections of a document's text: a token that no query can hold, so that no phrase reaches over it. A noncharacter, which text does not have.
inline constexpr std::string_view section_boundary = "\n\xEF\xB7\x90\n";

inline constexpr const char* tokenizer_name = "tidemark";

class Tokenizer {
 public:
  enum class Purpose { document, query };

  // FTS5's callback: flags (1 = at the position of the token before), token, offsets of its first byte and past its last. Not 0: stop, and return that.
  using Sink = int (*)(void* context, int flags, const char* token, int token_bytes, int start, int end);

  explicit Tokenizer(fts5_api* api);  // of a connection that outlives it; throws DatabaseError
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Any bytes; what is not UTF-8 ends a run, and is else for unicode61 to make something of. Returns SQLITE_OK (0) or the sink's answer.
  int tokenize(std::string_view text, Purpose purpose, void* context, Sink sink);

 private:
  class Unicode61;
  int others(std::string_view text, int start, int end, bool wide, void* context, Sink sink);
  std::unique_ptr<Unicode61> unicode61_;
};

// Makes `tokenize='tidemark'` known to a connection.
void register_tokenizer(Connection& connection);

// Is the token one letter of a bigram run? Then a query has to take it as a prefix.
bool is_single_letter(std::string_view token);

}  // namespace tidemark::ingest::sqlite
