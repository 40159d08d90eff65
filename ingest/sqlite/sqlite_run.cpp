#include "ingest/sqlite/sqlite_run.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "ingest/sqlite/filling.hpp"
#include "ingest/sqlite/rows.hpp"
#include "ingest/sqlite/schema.hpp"

namespace tidemark::ingest::sqlite {

SqliteRun::SqliteRun(Connection& connection, RunStart start, std::function<void(const DatabaseError&)> translate, std::function<void()> committed)
    : connection_(connection), start_(std::move(start)), translate_(std::move(translate)), committed_(std::move(committed)) {
  transaction_.emplace(connection_, Transaction::Kind::write);
  if (start_.mode == Mode::rebuild) {
    drop_schema(connection_);
    create_schema(connection_);
  }
  next_id_ = connection_.integer("SELECT max(id) FROM document") + 1;
  if (start_.mode == Mode::rebuild) begin_filling(connection_);
}

std::int64_t SqliteRun::find(const DocumentKey& key) {
  StatementScope row = connection_.cached("SELECT id FROM document WHERE path = ?1 AND fragment = ?2");
  row->bind_all(Blob{key.path}, Blob{key.fragment});
  return row->step() ? row->integer(0) : 0;
}

// A rebuild begins with nothing and meets its keys in order, so most of them need not be looked for.
bool SqliteRun::comes_first_time(const DocumentKey& key) {
  if (start_.mode != Mode::rebuild || (greatest_ && key <= *greatest_)) return false;
  greatest_ = key;
  return true;
}

void SqliteRun::write_search(std::string_view sql, std::int64_t id, const SearchedText& text) {
  StatementScope statement = connection_.cached(sql);
  statement->bind_all(id, text.title, text.headings, text.summary, text.prose, text.code);
  statement->run();
}

void SqliteRun::remove_document(std::int64_t id) {
  {
    // FTS5 takes a document out by the text that it was given.
    StatementScope row = connection_.cached("SELECT title, headings, summary, prose, code FROM document WHERE id = ?1");
    row->bind(1, id);
    if (!row->step()) return;
    write_search("INSERT INTO search(search, rowid, title, headings, summary, prose, code) VALUES ('delete', ?1, ?2, ?3, ?4, ?5, ?6)", id,
                 {row->bytes(0), row->bytes(1), row->bytes(2), row->bytes(3), row->bytes(4)});
  }
  StatementScope statement = connection_.cached("DELETE FROM document WHERE id = ?1");
  statement->bind(1, id);
  statement->run();
  ++operations_;
  --documents_;
}

void SqliteRun::insert_document(std::int64_t id, const Row& row) {
  {
    StatementScope insert = connection_.cached(insert_document_sql);
    row.bind(*insert, id);
    insert->run();
  }
  write_search("INSERT INTO search(rowid, title, headings, summary, prose, code) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", id, row.searched());
  ++operations_;
  ++documents_;
}

void SqliteRun::remove_quarantined(const DocumentKey& key) {
  StatementScope statement = connection_.cached("DELETE FROM quarantine WHERE path = ?1 AND fragment = ?2");
  statement->bind_all(Blob{key.path}, Blob{key.fragment});
  statement->run();
  operations_ += connection_.changes();
  quarantined_ -= connection_.changes();
}

void SqliteRun::remove(const DocumentKey& key) {
  if (const std::int64_t id = find(key); id != 0) remove_document(id);
  remove_quarantined(key);
}

void SqliteRun::put(const Quarantined& quarantined) {
  if (!comes_first_time(quarantined.key)) remove(quarantined.key);
  StatementScope insert = connection_.cached("INSERT INTO quarantine(path, fragment, oid, fingerprint, reason, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  insert->bind_all(Blob{quarantined.key.path}, Blob{quarantined.key.fragment}, Blob{quarantined.oid.bytes()}, Blob{quarantined.fingerprint.bytes()},
                   std::string_view(quarantined.reason), Blob{quarantined.revision.bytes()});
  insert->run();
  ++operations_;
  ++quarantined_;
}

Settled SqliteRun::put(const Document& document) {
  const auto refuse = [&](const std::string& reason) {
    put(Quarantined{.key = document.key, .oid = document.oid, .fingerprint = document.fingerprint, .reason = reason, .revision = document.revision});
    return Settled{.outcome = Settled::Outcome::refused, .reason = reason};
  };
  const bool first_time = comes_first_time(document.key);
  try {
    const Row row(document);
    const std::int64_t id = first_time ? 0 : find(document.key);
    if (id != 0) remove_document(id);
    // The same id again: FTS5 then keeps both halves in one segment.
    insert_document(id != 0 ? id : next_id_++, row);
  } catch (const std::invalid_argument& error) {
    return refuse(error.what());
  } catch (const DatabaseError& error) {
    if (error.failure != Failure::too_big) throw;
    return refuse("it is too large for SQLite");
  }
  if (!first_time) remove_quarantined(document.key);
  return {};
}

// By the id that is there, new ones last; a key's own operations stay in their order. FTS5 writes out what it has gathered whenever ids go back.
std::vector<std::size_t> SqliteRun::order_of(std::span<const Operation> operations) {
  std::vector<std::size_t> order(operations.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (start_.mode == Mode::rebuild || operations.size() < 3) return order;
  std::vector<std::int64_t> ids;
  ids.reserve(operations.size());
  for (const Operation& operation : operations) {
    const std::int64_t id = find(key_of(operation));
    ids.push_back(id == 0 ? std::numeric_limits<std::int64_t>::max() : id);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
  return order;
}

std::vector<Settled> SqliteRun::apply(std::span<const Operation> operations) {
  if (!transaction_) throw std::logic_error("apply() after commit()");
  std::vector<Settled> settled(operations.size());
  try {
    for (const std::size_t i : order_of(operations)) {
      if (const auto* document = std::get_if<Document>(&operations[i])) {
        settled[i] = put(*document);
      } else if (const auto* quarantined = std::get_if<Quarantined>(&operations[i])) {
        put(*quarantined);
      } else {
        remove(key_of(operations[i]));
      }
    }
  } catch (const DatabaseError& error) {
    translate_(error);
    throw;
  }
  return settled;
}

void SqliteRun::write_state(const Checkpoint& checkpoint) {
  {
    // The write of the state is an operation, too, as it is for another client's.
    StatementScope counter = connection_.cached("UPDATE counter SET operations = operations + ?1, documents = documents + ?2, quarantined = quarantined + ?3");
    counter->bind_all(operations_ + 1, documents_, quarantined_);
    counter->run();
  }
  // Whatever others did to the counts ends with an audit.
  if (start_.mode == Mode::audit) {
    connection_.cached("UPDATE counter SET documents = (SELECT count(*) FROM document), quarantined = (SELECT count(*) FROM quarantine)")->run();
  }
  StatementScope statement = connection_.cached(
      "INSERT INTO state VALUES (1, ?1, ?2, ?3, (SELECT operations FROM counter), ?4, ?5, ?6, ?7, ?8) ON CONFLICT(id) DO UPDATE SET source = ?1, "
      "origin = ?2, generation = ?3, operations = (SELECT operations FROM counter), commit_id = ?4, tree = ?5, committed_at = ?6, settings = ?7, "
      "parser_version = ?8");
  statement->bind_all(std::string_view(start_.source.name), std::string_view(start_.source.origin), start_.generation, Blob{checkpoint.commit.bytes()},
                      Blob{checkpoint.tree.bytes()}, checkpoint.committed_at, std::string_view(checkpoint.settings),
                      std::int64_t{checkpoint.parser_version});
  statement->run();
}

void SqliteRun::commit(const Checkpoint& checkpoint) {
  if (!transaction_) throw std::logic_error("commit() after commit()");
  try {
    if (start_.mode == Mode::rebuild) end_filling(connection_);
    write_state(checkpoint);
    transaction_->commit();
    transaction_.reset();
    committed_();
  } catch (const DatabaseError& error) {
    translate_(error);
    throw;
  }
}

}  // namespace tidemark::ingest::sqlite
