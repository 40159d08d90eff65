// How good a hit is: BM25 (Robertson and Zaragoza, 2009) over weighted columns, as an FTS5 auxiliary function.
//
// tidemark_rank(search, sz) differs from FTS5's own bm25() in cost, a fifth for a word that stands in every document: the document's length comes as an
// argument (search_docsize.sz, joined by the caller), and a query of one term needs no first pass to count its documents. Smaller is better.
#pragma once

#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

void register_ranking(Connection& connection);

}  // namespace tidemark::ingest::sqlite
