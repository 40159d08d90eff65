// Beside libutf8proc's reader of the same bytes.
#include "parser/utf8.hpp"

#include <doctest/doctest.h>
#include <utf8proc.h>

#include <string>
#include <string_view>

using tidemark::parser::utf8::first_invalid;

namespace {

std::size_t first_invalid_of_utf8proc(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t character = -1;
    const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                        static_cast<utf8proc_ssize_t>(text.size() - at), &character);
    if (bytes <= 0) return at;
    at += static_cast<std::size_t>(bytes);
  }
  return std::string_view::npos;
}

}  // namespace

TEST_CASE("the first byte that is not UTF-8 is the one that libutf8proc stops at, for every pair of bytes and the edges of what follows") {
  constexpr unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xe3, 0xff};
  std::size_t differences = 0;
  for (int first = 0x80; first <= 0xff; ++first) {
    for (int second = 0; second <= 0xff; ++second) {
      for (const unsigned char third : edges) {
        for (const unsigned char fourth : edges) {
          const std::string sequence{static_cast<char>(first), static_cast<char>(second), static_cast<char>(third), static_cast<char>(fourth)};
          const std::string text = "潮位 in words, " + sequence;
          for (std::size_t cut = 0; cut < 4; ++cut) {
            const auto seen = std::string_view(text).substr(0, text.size() - cut);
            differences += first_invalid(seen) != first_invalid_of_utf8proc(seen);
          }
        }
      }
    }
  }
  CHECK(differences == 0);
}

TEST_CASE("text of every kind of sequence is valid, wherever its last byte lies") {
  const std::string text = "潮位標 tide é ß Ж 𠮷 👍🏽 ﷽ \u07ff\u0800\uffff";
  for (std::size_t spaces = 0; spaces < 16; ++spaces) CHECK(first_invalid(std::string(spaces, ' ') + text) == std::string_view::npos);
}
