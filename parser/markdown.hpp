// The body of a page: md4c's events become sections. No tree is built.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parser/document.hpp"
#include "parser/problems.hpp"

namespace tidemark::parser {

struct MarkdownBody {
  std::vector<Section> sections;
  std::string first_heading;    // of level 1; empty for none
  std::string first_paragraph;  // outside lists, quotes and tables, images left out; at most max_description_characters
};

inline constexpr std::size_t max_description_characters = 300;

MarkdownBody read_markdown(std::string_view body, Problems& problems);

}  // namespace tidemark::parser
