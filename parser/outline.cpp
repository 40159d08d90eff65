#include "parser/outline.hpp"

#include <fmt/format.h>

#include <utility>

#include "parser/utf8.hpp"

namespace tidemark::parser {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

void Outline::open(int level, std::string anchor, std::string heading) {
  std::string rest;
  if (const std::string_view kept = utf8::prefix(heading, max_heading_characters); kept.size() < heading.size()) {
    problems_.add(
        fmt::format("a heading has more than {} characters, the rest of it is in its section's text: {}", max_heading_characters, excerpt(heading)));
    rest = heading.substr(kept.size()) + '\n';
    heading.resize(kept.size());
  }
  if (full()) {
    if (!std::exchange(overflowed_, true)) problems_.add(fmt::format("more than {} sections: the rest is part of the last one", max_sections));
    end_line(content());
    content() += heading + rest;
    end_line(content());
    return;
  }
  close();
  current_.breadcrumb = breadcrumb_of(level, heading);
  current_.level = level;
  current_.anchor = std::move(anchor);
  current_.heading = std::move(heading);
  current_.content = std::move(rest);
}

std::string Outline::breadcrumb_of(int level, const std::string& heading) {
  while (!above_.empty() && above_.back().level >= level) above_.pop_back();
  above_.push_back({level, heading});
  std::string breadcrumb;
  for (const Above& one : above_) {
    if (!breadcrumb.empty()) breadcrumb += " > ";
    breadcrumb += one.heading;
  }
  breadcrumb.resize(utf8::prefix(breadcrumb, max_breadcrumb_characters).size());
  return breadcrumb;
}

void Outline::bound(std::string& field, std::string_view name) {
  const std::string_view kept = utf8::prefix(field, max_field_characters);
  if (kept.size() == field.size()) return;
  problems_.add(fmt::format("section {}: its {} has more than {} characters and was cut", excerpt(current_.heading), name, max_field_characters));
  field.resize(kept.size());
}

void Outline::close() {
  Section closed = std::exchange(current_, {});
  if (closed.level == 0 && trimmed(closed.content).empty() && trimmed(closed.code).empty()) return;
  bound(closed.content, "text");
  bound(closed.code, "code");
  sections_.push_back(std::move(closed));
}

std::vector<Section> Outline::finish() {
  close();
  return std::exchange(sections_, {});
}

}  // namespace tidemark::parser
