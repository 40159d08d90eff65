// The mapping and the settings of an index of ours, and their hash: another one means a rebuild. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ingest/elasticsearch/product.hpp"

namespace tidemark::ingest::elasticsearch {

// Raised when documents or state change their shape. An index with a smaller number is older, with a greater one newer.
inline constexpr int schema_version = 1;

// How text is analyzed, best first. `cjk` is what every real cluster has: Chinese, Japanese and Korean as overlapping bigrams, English stemmed. `kuromoji` adds
// ICU's normalization and Japanese words (so that inflected forms are found). `standard` is for distributions without any analysis module: no stemming, no prefix
// of a path in one token, and CJK text as single characters (Katakana and Hangul as whole runs) that are found as phrases.
enum class CjkAnalysis { kuromoji, cjk, standard };
std::string_view name_of(CjkAnalysis analysis);

struct SchemaChoice {
  Product product = Product::elasticsearch;
  CjkAnalysis cjk = CjkAnalysis::standard;
  int shards = 1;
  int replicas = 1;
  bool operator==(const SchemaChoice&) const = default;
};

// 8 hex digits over version, mappings, analysis and shards (not replicas).
std::string schema_hash(const SchemaChoice& choice);

struct IndexMeta {  // the mapping's `_meta`
  std::string alias;
  std::string source;
  std::string schema;    // the hash
  int version = 0;       // schema_version
  std::string physical;  // the index's own name: a renamed copy is somebody else's
  bool operator==(const IndexMeta&) const = default;
};

// The body of PUT /<physical>: settings for filling (refresh_interval -1, no replicas), mappings with `_meta`, the alias `fill_alias`.
std::string create_index_body(const SchemaChoice& choice, const IndexMeta& meta, std::string_view fill_alias);
// The body of PUT /<physical>/_settings before the swap. Refreshing stays the runs' business: readers see what a run did when it ends, and not before.
std::string serving_settings_body(const SchemaChoice& choice);
// The filter of the reader alias, as JSON: documents alone, neither state nor stubs nor what strangers put in.
std::string reader_filter();

}  // namespace tidemark::ingest::elasticsearch
