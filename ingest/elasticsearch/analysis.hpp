// The analyzers of an index: the same words for the mapping and for the searches. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "ingest/elasticsearch/schema.hpp"

namespace tidemark::ingest::elasticsearch {

// `settings.analysis` of an index.
nlohmann::ordered_json analysis_settings(CjkAnalysis cjk);

// The mapping of a text field of prose: stemmed words by itself, words as they stand in the subfield `exact`, Japanese ones in `japanese`, as far as the
// analysis tells them apart.
nlohmann::ordered_json prose_mapping(CjkAnalysis cjk);
// Of code: words as they stand.
nlohmann::ordered_json code_mapping(CjkAnalysis cjk);

inline bool has_exact(CjkAnalysis cjk) { return cjk != CjkAnalysis::standard; }
inline bool has_japanese(CjkAnalysis cjk) { return cjk == CjkAnalysis::kuromoji; }
inline bool has_path_tree(CjkAnalysis cjk) { return cjk != CjkAnalysis::standard; }

}  // namespace tidemark::ingest::elasticsearch
