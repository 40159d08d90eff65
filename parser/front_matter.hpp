// What stands between two `---` lines at the very beginning of a page: found, read as YAML, and sorted into the document's own fields and the rest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/document.hpp"
#include "parser/problems.hpp"

namespace tidemark::parser {

struct Page {
  std::string_view front_matter;  // without its fences; empty when there is none
  std::string_view body;
  bool has_front_matter = false;
};

// The first line has to be exactly `---`, white space at its end aside, and a later one `---` or `...`.
Page split_page(std::string_view text);

// Fills the fields of `document` that front matter may set. False: the text is not front matter after all (prose between two thematic breaks),
// nothing was set. What is not valid YAML is read key by key, so that one bad line costs at most its own value.
bool read_front_matter(std::string_view text, Document& document, Problems& problems);

}  // namespace tidemark::parser
