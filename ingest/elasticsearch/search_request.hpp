// A search as one request, and its answer as the API gives it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/elasticsearch/product.hpp"
#include "ingest/elasticsearch/schema.hpp"
#include "ingest/search.hpp"

namespace tidemark::ingest::elasticsearch {

// The body of POST /<alias>/_search. Every word, phrase or prefix must occur somewhere in a document; title counts over heading over prose over code; the best
// sections come as inner hits with highlights. Throws InvalidQuery as the SQLite engine does (empty, too long, too many terms, beyond the window).
std::string search_body(Product product, const SchemaChoice& choice, const SearchQuery& query);

// Throws TransientError for what is no whole answer: shards that failed, a time-out, not JSON.
SearchResult read_search(std::string_view answer);

}  // namespace tidemark::ingest::elasticsearch
