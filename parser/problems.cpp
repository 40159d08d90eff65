#include "parser/problems.hpp"

#include <fmt/format.h>

#include <utility>

#include "parser/document.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {

void Problems::add(std::string problem) {
  if (problems_.size() + 1 < max_problems) {
    problems_.push_back(std::move(problem));
  } else {
    ++more_;
  }
}

std::vector<std::string> Problems::take() {
  if (more_ > 0) problems_.push_back(fmt::format("and {} more problems", more_));
  more_ = 0;
  return std::exchange(problems_, {});
}

std::string excerpt(std::string_view text) {
  const std::string_view part = utf8::prefix(text, 60);
  std::string result = "\"";
  for (const char c : part) result.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  return result + (part.size() < text.size() ? "...\"" : "\"");
}

}  // namespace tidemark::parser
