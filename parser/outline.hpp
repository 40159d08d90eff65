// Builds a document's sections in order, within the bounds of document.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parser/document.hpp"
#include "parser/problems.hpp"

namespace tidemark::parser {

// Longer headings are cut: they are repeated in the breadcrumb of every section below them.
inline constexpr std::size_t max_heading_characters = 500;
inline constexpr std::size_t max_breadcrumb_characters = 1'000;

class Outline {
 public:
  explicit Outline(Problems& problems) : problems_(problems) {}

  // The heading ends the section before it. Over max_sections the text goes on in the last section.
  void open(int level, std::string anchor, std::string heading);
  std::string& content() { return current_.content; }
  std::string& code() { return current_.code; }
  bool full() const { return sections_.size() + 1 >= max_sections; }

  // The sections; a first part without heading counts only if it has text. Ends the use of the object.
  std::vector<Section> finish();

 private:
  void close();
  std::string breadcrumb_of(int level, const std::string& heading);
  void bound(std::string& field, std::string_view name);

  Problems& problems_;
  Section current_;
  std::vector<Section> sections_;
  struct Above {
    int level;
    std::string heading;
  };
  std::vector<Above> above_;
  bool overflowed_ = false;
};

// Ends the line that `text` is on, if it is on one.
inline void end_line(std::string& text) {
  if (!text.empty() && text.back() != '\n') text.push_back('\n');
}
// Without white space at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace tidemark::parser
