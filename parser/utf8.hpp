// UTF-8 by the Unicode Standard, table 3-7: decoding with replacement, checks and cuts at code points.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidemark::parser::utf8 {

inline constexpr char32_t replacement = 0xFFFD;

struct Decoded {
  char32_t code_point;
  std::size_t bytes;  // 1 to 4; for what is invalid the maximal subpart, which becomes one U+FFFD
  bool valid;
};

Decoded decode(std::string_view text, std::size_t at);                       // at < text.size()
void append(std::string& out, char32_t code_point);                          // U+FFFD for NUL, surrogates and what is beyond Unicode
std::size_t first_invalid(std::string_view text);                            // npos: all of it is valid
std::string_view prefix(std::string_view text, std::size_t characters);      // of valid text: at most so many code points
std::string_view prefix_of_bytes(std::string_view text, std::size_t bytes);  // of valid text: at most so many bytes, whole code points

struct Scrubbed {
  std::string text;
  std::size_t replaced = 0;
};
Scrubbed scrub(std::string_view text);  // invalid sequences and NUL become U+FFFD

}  // namespace tidemark::parser::utf8
