// GitHub's heading anchors: lower case, only letters, marks, digits, connectors, hyphens and spaces stay, spaces become hyphens, repeated ones are
// numbered.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace tidemark::parser {

std::string slug_of(std::string_view heading);

// The anchors of one page. An empty anchor belongs to what stands before the first heading, so a heading without letters gets a number.
class Slugs {
 public:
  std::string unique(std::string slug);

 private:
  std::unordered_map<std::string, int> seen_{{"", 0}};
};

}  // namespace tidemark::parser
