// Text for people, whoever wrote the bytes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// Valid UTF-8 without anything that could end or rewrite a line of a terminal or a log: control characters, bytes that are not UTF-8, and Unicode's
// line separators and bidirectional controls become \n, \r, \t, \xNN or \u{NNNN}; a backslash is doubled. What is over `max_bytes` is cut off and
// counted.
std::string one_line(std::string_view text, std::size_t max_bytes = 16 * 1024);

// The candidate that `word` most likely meant, or "" when none is near: few insertions, deletions, replacements and swaps of neighbours.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace tidemark
