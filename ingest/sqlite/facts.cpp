#include "ingest/sqlite/facts.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "ingest/sqlite/rows.hpp"
#include "ingest/sqlite/schema.hpp"

namespace tidemark::ingest::sqlite {

namespace {

// Cheap questions that need each of FTS5's own tables; not a full check, which would read them all.
bool can_search(Connection& connection) {
  try {
    connection.integer("SELECT rowid FROM search WHERE search MATCH 'tidemark' LIMIT 1");
    return connection.integer("SELECT (SELECT max(id) FROM search_docsize) IS (SELECT max(id) FROM document) AND EXISTS (SELECT 1 FROM search_config WHERE k = 'version')") == 1;
  } catch (const DatabaseError& error) {
    if (error.failure == Failure::damaged_search || error.failure == Failure::other) return false;
    throw;
  }
}

}  // namespace

Facts read_facts(Connection& connection, bool search_damaged) {
  Facts facts;
  const std::int64_t version = connection.integer("PRAGMA user_version");
  facts.schema = version == 0               ? Schema::none
                 : version < schema_version ? Schema::older
                 : version > schema_version ? Schema::newer
                                            : Schema::ours;
  if (facts.schema != Schema::ours) return facts;
  facts.check_detail = schema_difference(connection);
  if (facts.check_detail.empty() && (search_damaged || !can_search(connection))) facts.check_detail = "the search tables are damaged";
  facts.tampered = !facts.check_detail.empty();
  if (facts.tampered) return facts;

  std::int64_t seen = 0;
  {
    StatementScope row = connection.cached("SELECT operations, documents, quarantined FROM counter");
    if (row->step()) {
      seen = row->integer(0);
      facts.documents = row->integer(1);
      facts.quarantined = row->integer(2);
    }
  }
  StatementScope row = connection.cached(
      "SELECT source, origin, generation, operations, commit_id, tree, committed_at, settings, parser_version FROM state");
  if (!row->step()) {
    facts.tampered = true;
    facts.check_detail = "the state is missing";
    return facts;
  }
  State state{.schema = schema_version,
              .source = {.name = std::string(row->bytes(0)), .origin = std::string(row->bytes(1))},
              .generation = row->integer(2),
              .operations = row->integer(3),
              .intent_open = false,
              .checkpoint = {}};
  state.checkpoint = Checkpoint{.commit = oid_of(row->bytes(4)),
                                .tree = oid_of(row->bytes(5)),
                                .committed_at = row->integer(6),
                                .settings = std::string(row->bytes(7)),
                                .parser_version = static_cast<int>(row->integer(8))};
  facts.check_holds = state.operations == seen;
  if (!facts.check_holds) {
    facts.check_detail = "the state counts " + std::to_string(state.operations) + " operations, the index has seen " + std::to_string(seen);
  }
  facts.state = std::move(state);
  return facts;
}

}  // namespace tidemark::ingest::sqlite
