// What an index file says about itself: its state, and whether it is what our runs left.
#pragma once

#include "ingest/sqlite/database.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest::sqlite {

// Within the caller's transaction. `search_damaged`: a reader has met damage in FTS5's tables. Leaves writable and holder to the caller. Throws DatabaseError.
Facts read_facts(Connection& connection, bool search_damaged);

}  // namespace tidemark::ingest::sqlite
