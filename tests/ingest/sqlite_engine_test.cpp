// The embedded engine: the engines' contract.
#include <doctest/doctest.h>

#include "ingest/sqlite_index.hpp"

namespace {

using namespace tidemark::ingest;
using namespace tidemark::ingest::test;

TEST_CASE("the embedded engine keeps the engines' contract") {
  check_engine_contract([] { return std::make_unique<SqliteIndex>(); });
}

}  // namespace
