// Front matter that is not valid YAML, read key by key: each `key:` at the beginning of a line with the indented lines below it is tried as YAML
// alone, and where that fails too its value is the text as it stands (`title: Foo: bar`).
#pragma once

#include <cstddef>
#include <string_view>

#include "parser/problems.hpp"
#include "parser/yaml_tree.hpp"

namespace tidemark::parser {

// Does the first line that says something begin with a key? Prose between two thematic breaks does not.
bool looks_like_keys(std::string_view text);
YamlNode recover_keys(std::string_view text, std::size_t first_line, Problems& problems);

}  // namespace tidemark::parser
