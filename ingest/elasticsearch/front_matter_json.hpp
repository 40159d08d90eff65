// Whether a document's front matter may be indexed as it stands. Pure.
#pragma once

#include <string_view>

namespace tidemark::ingest::elasticsearch {

enum class FrontMatter { indexable, too_large_for_terms };

// The engines make one term of a leaf and the keys above it, which may have 32,766 bytes, and OpenSearch refuses the whole document for a longer one; many
// leaves below long keys would cost the server far more than the text's size. Throws std::invalid_argument for what is no JSON object on one line.
FrontMatter check_front_matter(std::string_view json);

}  // namespace tidemark::ingest::elasticsearch
