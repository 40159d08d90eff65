// How the search tables of a fresh index are filled: large segments, merged once at the end (https://www.sqlite.org/fts5.html#configuration_options).
#pragma once

#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

// Both belong to the transaction that fills. After the second the tables are as they are wanted for small changes.
void begin_filling(Connection& connection);
void end_filling(Connection& connection);

}  // namespace tidemark::ingest::sqlite
