#include "ingest/letters.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace tidemark::ingest {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode blocks (Blocks.txt), less their punctuation: the middle dots U+30FB and U+FF65 and U+30A0 separate words.
constexpr std::array<Range, 20> run_letters{{
    {0x1100, 0x11FF},    // Hangul Jamo
    {0x2E80, 0x2FDF},    // radicals
    {0x3005, 0x3007},    // 々〆〇
    {0x3031, 0x3035},    // vertical kana repeat marks
    {0x303B, 0x303B},    // 〻
    {0x3041, 0x309F},    // Hiragana
    {0x30A1, 0x30FA},    // Katakana
    {0x30FC, 0x312F},    // ーヽヾヿ, Bopomofo
    {0x3131, 0x318E},    // Hangul Compatibility Jamo
    {0x31A0, 0x31BF},    // Bopomofo Extended
    {0x31F0, 0x31FF},    // Katakana Phonetic Extensions
    {0x3400, 0x4DBF},    // Han, extension A
    {0x4E00, 0x9FFF},    // Han
    {0xA960, 0xA97F},    // Hangul Jamo Extended-A
    {0xAC00, 0xD7FF},    // Hangul syllables, Jamo Extended-B
    {0xF900, 0xFAFF},    // Han, compatibility
    {0xFF66, 0xFF9F},    // half-width Katakana
    {0xFFA0, 0xFFDC},    // half-width Hangul
    {0x1AFF0, 0x1B16F},  // kana supplements
    {0x20000, 0x3FFFF},  // Han, extensions B and on
}};

bool is_variant_form(char32_t c) {
  return (c >= 0xFF66 && c <= 0xFFDC) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F) || (c >= 0x2E80 && c <= 0x2FDF);
}

bool may_follow(char32_t c) { return c == 0x3099 || c == 0x309A || (c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2); }

}  // namespace

Decoded decode(std::string_view text, std::size_t at) {
  utf8proc_int32_t character = -1;
  const auto size = static_cast<utf8proc_ssize_t>(std::min<std::size_t>(text.size() - at, 4));
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at), size, &character);
  if (bytes <= 0) return {.character = 0xFFFFFFFF, .bytes = 1};
  return {.character = static_cast<char32_t>(character), .bytes = static_cast<int>(bytes)};
}

int encode(char32_t character, char* out) {
  return static_cast<int>(utf8proc_encode_char(static_cast<utf8proc_int32_t>(character), reinterpret_cast<utf8proc_uint8_t*>(out)));
}

bool is_run_letter(char32_t c) {
  const auto after = std::upper_bound(run_letters.begin(), run_letters.end(), c, [](char32_t value, const Range& range) { return value < range.first; });
  return after != run_letters.begin() && c <= std::prev(after)->last;
}

bool is_invisible_mark(char32_t c) { return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF); }

bool is_wide_ascii(char32_t c) { return c >= 0xFF01 && c <= 0xFF5E; }

char32_t narrow(char32_t c) { return c - 0xFF01 + '!'; }

char32_t fold_letter(char32_t c) {
  if (!is_variant_form(c)) return c;
  std::array<utf8proc_int32_t, 8> folded{};
  int boundary = 0;
  const auto length = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), folded.data(), folded.size(), static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT), &boundary);
  return length == 1 ? static_cast<char32_t>(folded[0]) : c;
}

std::optional<char32_t> compose(char32_t first, char32_t second) {
  if (!may_follow(second)) return std::nullopt;
  std::array<utf8proc_int32_t, 2> pair{static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second)};
  const auto length = utf8proc_normalize_utf32(pair.data(), pair.size(), static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  return length == 1 ? std::optional(static_cast<char32_t>(pair[0])) : std::nullopt;
}

}  // namespace tidemark::ingest
