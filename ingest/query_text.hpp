// What people type into a search box, taken apart as every engine does it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/search.hpp"

namespace tidemark::ingest {

inline constexpr std::size_t max_query_terms = 32;
// Of them, prefixes: an engine gathers every document of every word that begins so before it gives the first one.
inline constexpr std::size_t max_query_prefixes = 4;

// A word or a "quoted phrase" as it was typed, without its quotes and its *. Not empty; without NUL; may be no UTF-8 and may hold no word at all.
struct QueryPiece {
  std::string text;
  bool quoted = false;
  bool prefix = false;  // a * was at its end
};

// A phrase without its closing quote reaches to the text's end. Throws InvalidQuery for a text that is too long.
std::vector<QueryPiece> split_query(std::string_view text);

// Throws InvalidQuery for a limit or an offset that no engine takes.
void check_search_window(const SearchQuery& query);

// The refusals that the engines share: throws InvalidQuery for more than the limits, and for no term at all.
void check_query_terms(std::size_t terms, std::size_t prefixes);

}  // namespace tidemark::ingest
