#include "ingest/query_text.hpp"

#include "ingest/letters.hpp"

namespace tidemark::ingest {

namespace {

bool is_space(char32_t c) {
  return c <= 0x20 || c == 0x7f || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_star(char32_t c) { return c == '*' || c == 0xff0a; }

}  // namespace

std::vector<QueryPiece> split_query(std::string_view text) {
  if (text.size() > max_query_bytes) throw InvalidQuery("the search text is longer than " + std::to_string(max_query_bytes) + " bytes");
  std::vector<QueryPiece> pieces;
  QueryPiece piece;
  bool quoted = false;
  const auto finish = [&] {
    if (!piece.text.empty()) pieces.push_back(piece);
    piece = {};
  };
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    const std::string_view bytes = text.substr(at, static_cast<std::size_t>(next.bytes));
    at += bytes.size();
    const bool last = at >= text.size() || is_space(decode(text, at).character);
    if (next.character == '"') {
      quoted = !quoted;
      if (!quoted && at < text.size() && is_star(decode(text, at).character)) {
        piece.prefix = true;
        at += static_cast<std::size_t>(decode(text, at).bytes);
      }
      finish();
      piece.quoted = quoted;
    } else if (!quoted && is_space(next.character)) {
      finish();
    } else if (!quoted && last && is_star(next.character)) {
      piece.prefix = true;
      finish();
    } else {
      piece.text += next.character == 0 ? " " : bytes;
    }
  }
  finish();
  return pieces;
}

void check_search_window(const SearchQuery& query) {
  if (query.limit < 0 || query.limit > max_search_limit) throw InvalidQuery("limit must be 0 to " + std::to_string(max_search_limit));
  if (query.offset < 0 || query.offset > max_search_window - query.limit) {
    throw InvalidQuery("offset + limit must be 0 to " + std::to_string(max_search_window));
  }
}

void check_query_terms(std::size_t terms, std::size_t prefixes) {
  if (prefixes > max_query_prefixes) {
    throw InvalidQuery("the search text has more than " + std::to_string(max_query_prefixes) + " words with a *, or of one letter");
  }
  if (terms > max_query_terms) throw InvalidQuery("the search text has more than " + std::to_string(max_query_terms) + " words");
  if (terms == 0) throw InvalidQuery("the search text has no word to search for");
}

}  // namespace tidemark::ingest
