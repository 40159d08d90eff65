// A piece of a text around what was searched for, for people. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::ingest {

inline constexpr int snippet_characters = 240;

// Where a term stands in a text, in bytes.
struct Match {
  std::size_t term = 0;
  int start = 0;
  int end = 0;
};

// HTML: about `snippet_characters` of the text around its densest matches (given by start), which stand in <mark>; the rest is escaped.
std::string snippet(std::string_view text, const std::vector<Match>& matches);

}  // namespace tidemark::ingest
