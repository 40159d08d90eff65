// What an index holds, key by key. Within the caller's transaction, on an index whose tables are there; all throw DatabaseError.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "ingest/engine.hpp"
#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

// Documents and quarantine together, in byte order of (path, fragment), until `visit` returns false.
void list_keys(Connection& connection, const std::function<bool(const Listed&)>& visit);
// The page behind the key `after`.
DocumentPage page_of_documents(Connection& connection, const DocumentPageQuery& query, const DocumentKey& after);
std::optional<Document> find_document(Connection& connection, const DocumentKey& key);
std::vector<Quarantined> list_quarantine(Connection& connection, std::size_t limit);

}  // namespace tidemark::ingest::sqlite
