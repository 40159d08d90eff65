// A guess at the language by its script; enough to choose an analyzer, not to name every language.
#pragma once

#include <string_view>
#include <vector>

#include "parser/document.hpp"

namespace tidemark::parser {

// "ja", "ko", "zh", "en", or empty when it is unclear. Looks at the beginning of the prose.
std::string_view guess_language(const std::vector<Section>& sections);

}  // namespace tidemark::parser
