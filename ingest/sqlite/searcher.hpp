// Answers a search from one snapshot of the index.
#pragma once

#include "ingest/search.hpp"
#include "ingest/sqlite/database.hpp"
#include "ingest/sqlite/tokenizer.hpp"

namespace tidemark::ingest::sqlite {

// Within the caller's read transaction, on an index whose tables are there. Throws InvalidQuery, DatabaseError.
SearchResult search(Connection& connection, Tokenizer& tokenizer, const SearchQuery& query);

}  // namespace tidemark::ingest::sqlite
