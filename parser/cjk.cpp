#include "parser/cjk.hpp"

#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

// Han, kana, and the punctuation and full-width forms written with them.
bool is_written_without_spaces(char32_t c) {
  const Script script = script_of(c);
  return script == Script::han || script == Script::kana || (c >= 0x3000 && c <= 0x303F) || (c >= 0xFF00 && c <= 0xFFEF && script != Script::hangul);
}

char32_t last_code_point(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return utf8::decode(text, at).code_point;
}

}  // namespace

Script script_of(char32_t c) {
  if (c < 0x80) return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ? Script::latin : Script::other;
  if (c < 0x250) return c >= 0xC0 && c != 0xD7 && c != 0xF7 ? Script::latin : Script::other;
  if (c < 0x1100) return Script::other;
  if (c <= 0x11FF || (c >= 0x3130 && c <= 0x318F) || (c >= 0xA960 && c <= 0xA97F) || (c >= 0xAC00 && c <= 0xD7FF) || (c >= 0xFFA0 && c <= 0xFFDC))
    return Script::hangul;
  if ((c >= 0x3041 && c <= 0x30FF && c != 0x30FB) || (c >= 0x31F0 && c <= 0x31FF) || (c >= 0xFF66 && c <= 0xFF9F)) return Script::kana;
  if (c == 0x3005 || c == 0x3007 || (c >= 0x2E80 && c <= 0x2FDF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ||
      (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF)) {
    return Script::han;
  }
  return Script::other;
}

bool joins_across_lines(std::string_view before, std::string_view after) {
  if (before.empty() || before.back() == ' ' || before.back() == '\n') return true;
  if (after.empty()) return false;
  return is_written_without_spaces(last_code_point(before)) && is_written_without_spaces(utf8::decode(after, 0).code_point);
}

}  // namespace tidemark::parser
