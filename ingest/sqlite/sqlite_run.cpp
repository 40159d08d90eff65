#include "ingest/sqlite/sqlite_run.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "ingest/sqlite/rows.hpp"
#include "ingest/sqlite/schema.hpp"

namespace tidemark::ingest::sqlite {

namespace {

const DocumentKey& key_of(const Operation& operation) {
  return std::visit([](const auto& value) -> const DocumentKey& { return value.key; }, operation);
}

// SQLite copies the log back by itself every 1,000 pages; one that a large run left is made short, too.
constexpr std::uintmax_t large_log_bytes = 16 * 1024 * 1024;

}  // namespace

SqliteRun::SqliteRun(Connection& connection, RunStart start, std::function<void(const DatabaseError&)> translate)
    : connection_(connection), start_(std::move(start)), translate_(std::move(translate)) {
  transaction_.emplace(connection_, Transaction::Kind::write);
  if (start_.mode != Mode::rebuild) return;
  drop_schema(connection_);
  create_schema(connection_);
  // While filling, segments are only written; they are merged once, at the end.
  connection_.execute("INSERT INTO search(search, rank) VALUES ('automerge', 0)");
}

std::int64_t SqliteRun::find(const DocumentKey& key) {
  StatementScope row = connection_.cached("SELECT id FROM document WHERE path = ?1 AND fragment = ?2");
  row->bind_all(Blob{key.path}, Blob{key.fragment});
  return row->step() ? row->integer(0) : 0;
}

void SqliteRun::remove_document(std::int64_t id) {
  StatementScope statement = connection_.cached("DELETE FROM document WHERE id = ?1");
  statement->bind(1, id);
  statement->run();
}

void SqliteRun::remove_quarantined(const DocumentKey& key) {
  StatementScope statement = connection_.cached("DELETE FROM quarantine WHERE path = ?1 AND fragment = ?2");
  statement->bind_all(Blob{key.path}, Blob{key.fragment});
  statement->run();
}

void SqliteRun::put(const Quarantined& quarantined) {
  if (const std::int64_t id = find(quarantined.key); id != 0) remove_document(id);
  remove_quarantined(quarantined.key);
  StatementScope insert = connection_.cached("INSERT INTO quarantine(path, fragment, oid, fingerprint, reason, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  insert->bind_all(Blob{quarantined.key.path}, Blob{quarantined.key.fragment}, Blob{quarantined.oid.bytes()}, Blob{quarantined.fingerprint.bytes()},
                   std::string_view(quarantined.reason), Blob{quarantined.revision.bytes()});
  insert->run();
}

Settled SqliteRun::put(const Document& document) {
  const auto refuse = [&](const std::string& reason) {
    put(Quarantined{.key = document.key, .oid = document.oid, .fingerprint = document.fingerprint, .reason = reason, .revision = document.revision});
    return Settled{.outcome = Settled::Outcome::refused, .reason = reason};
  };
  const std::int64_t id = find(document.key);
  if (id != 0) remove_document(id);
  try {
    // The same id again: FTS5 then keeps both halves in one segment.
    StatementScope insert = connection_.cached(insert_document_sql);
    insert_document(*insert, id, document);
  } catch (const std::invalid_argument& error) {
    return refuse(error.what());
  } catch (const DatabaseError& error) {
    if (error.failure != Failure::too_big) throw;
    return refuse("it is too large for SQLite");
  }
  remove_quarantined(document.key);
  return {};
}

std::vector<Settled> SqliteRun::apply(std::span<const Operation> operations) {
  if (!transaction_) throw std::logic_error("apply() after commit()");
  std::vector<Settled> settled(operations.size());
  try {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      if (const auto* document = std::get_if<Document>(&operations[i])) {
        settled[i] = put(*document);
      } else if (const auto* quarantined = std::get_if<Quarantined>(&operations[i])) {
        put(*quarantined);
      } else {
        const DocumentKey& key = key_of(operations[i]);
        if (const std::int64_t id = find(key); id != 0) remove_document(id);
        remove_quarantined(key);
      }
    }
  } catch (const DatabaseError& error) {
    translate_(error);
    throw;
  }
  return settled;
}

void SqliteRun::write_state(const Checkpoint& checkpoint) {
  if (start_.mode == Mode::audit) {
    connection_.execute(
        "UPDATE counter SET documents = (SELECT count(*) FROM document), quarantined = (SELECT count(*) FROM quarantine)");
  }
  // An update of the state is an operation, too.
  StatementScope statement = connection_.cached(
      "INSERT INTO state VALUES (1, ?1, ?2, ?3, (SELECT operations FROM counter), ?4, ?5, ?6, ?7, ?8) ON CONFLICT(id) DO UPDATE SET source = ?1, "
      "origin = ?2, generation = ?3, operations = (SELECT operations + 1 FROM counter), commit_id = ?4, tree = ?5, committed_at = ?6, settings = ?7, "
      "parser_version = ?8");
  statement->bind_all(std::string_view(start_.source.name), std::string_view(start_.source.origin), start_.generation, Blob{checkpoint.commit.bytes()},
                      Blob{checkpoint.tree.bytes()}, checkpoint.committed_at, std::string_view(checkpoint.settings),
                      std::int64_t{checkpoint.parser_version});
  statement->run();
}

void SqliteRun::shorten_log() {
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(connection_.file() + "-wal", absent);
  if (absent || bytes < large_log_bytes) return;
  // No waiting for readers: what they still use is copied back later.
  connection_.wait_when_busy(std::chrono::milliseconds(0));
  connection_.cached("PRAGMA wal_checkpoint(TRUNCATE)")->run();
  connection_.wait_when_busy(busy_timeout);
}

void SqliteRun::commit(const Checkpoint& checkpoint) {
  if (!transaction_) throw std::logic_error("commit() after commit()");
  try {
    if (start_.mode == Mode::rebuild) {
      connection_.execute("INSERT INTO search(search) VALUES ('optimize')");
      connection_.execute("INSERT INTO search(search, rank) VALUES ('automerge', 4)");
    }
    write_state(checkpoint);
    transaction_->commit();
    transaction_.reset();
    shorten_log();
  } catch (const DatabaseError& error) {
    translate_(error);
    throw;
  }
}

}  // namespace tidemark::ingest::sqlite
