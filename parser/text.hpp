// From bytes to text: which encoding it is, and the conversion to UTF-8.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "parser/parse.hpp"
#include "parser/problems.hpp"

namespace tidemark::parser {

// Valid UTF-8 without NUL, byte order mark or carriage returns. Refers to the bytes that it was made from as long as nothing had to be changed.
class Text {
 public:
  static Text of(std::string_view unchanged) { return Text(unchanged, {}); }
  static Text of(std::string converted) { return Text({}, std::move(converted)); }
  std::string_view view() const { return owned_.empty() ? unchanged_ : std::string_view(owned_); }

 private:
  Text(std::string_view unchanged, std::string owned) : unchanged_(unchanged), owned_(std::move(owned)) {}
  std::string_view unchanged_;
  std::string owned_;
};

std::variant<Text, Skipped> decode_text(std::string_view bytes, Problems& problems);

}  // namespace tidemark::parser
