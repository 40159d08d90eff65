// Which characters are written without spaces between words, and how their variant forms fold. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark::ingest {

struct Decoded {
  char32_t character = 0;  // 0xFFFFFFFF: not UTF-8
  int bytes = 1;
  bool valid() const { return character != 0xFFFFFFFF; }
};

Decoded decode(std::string_view text, std::size_t at);
int encode(char32_t character, char* out);  // up to 4 bytes; how many

// Han with 々 and 〇, kana with ー in full and half width, Hangul, Bopomofo.
bool is_run_letter(char32_t character);
// Belongs to the letter before it and changes nothing about the word: variation selectors.
bool is_invisible_mark(char32_t character);
// Full-width ASCII, FF01 to FF5E.
bool is_wide_ascii(char32_t character);
char32_t narrow(char32_t wide_ascii);
// Half-width kana to full width, compatibility ideographs to unified ones.
char32_t fold_letter(char32_t character);
// Two characters that are one when composed: kana and a voicing mark, Hangul jamo.
std::optional<char32_t> compose(char32_t first, char32_t second);

}  // namespace tidemark::ingest
