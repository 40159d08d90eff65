// What did not parse, in words, bounded: after max_problems the last one counts the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemark::parser {

class Problems {
 public:
  void add(std::string problem);
  std::vector<std::string> take();

 private:
  std::vector<std::string> problems_;
  std::size_t more_ = 0;
};

// The text as a problem may quote it: one short line.
std::string excerpt(std::string_view text);

}  // namespace tidemark::parser
