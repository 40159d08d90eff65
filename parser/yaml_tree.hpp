// A small YAML document as a tree, for front matter: bounded in depth, nodes and bytes, with aliases resolved inside those bounds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/problems.hpp"

namespace tidemark::parser {

struct YamlNode {
  enum class Kind { scalar, sequence, mapping };
  Kind kind = Kind::scalar;
  bool plain = true;              // a scalar that may stand for something other than its text
  std::string text;               // of a scalar
  std::vector<std::string> keys;  // of a mapping; each one once
  std::vector<YamlNode> items;    // of a sequence; a mapping's values, in the order of the keys
  const YamlNode* find(std::string_view key) const;
};

inline constexpr std::size_t max_yaml_nodes = 10'000;

// The first document of `text`. Nothing when it is not YAML (the reason is in `error`, as "line N: why"). What is over a bound is left out, with a
// problem. `first_line` is the number that the text's first line has in problems.
struct YamlResult {
  std::optional<YamlNode> root;  // nothing also for an empty document
  std::string error;
};
YamlResult read_yaml_tree(std::string_view text, std::size_t first_line, Problems& problems);

}  // namespace tidemark::parser
