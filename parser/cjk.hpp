// Scripts, as far as joining lines and guessing a language need them. Ranges from Unicode's Scripts.txt, blocks as a whole.
#pragma once

#include <string_view>

namespace tidemark::parser {

enum class Script { other, latin, han, kana, hangul };
Script script_of(char32_t code_point);

// Is nothing lost when `after` follows `before` without a space, as in Japanese or Chinese? Hangul puts spaces between its words.
bool joins_across_lines(std::string_view before, std::string_view after);

}  // namespace tidemark::parser
