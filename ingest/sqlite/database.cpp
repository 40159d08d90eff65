#include "ingest/sqlite/database.hpp"

#include <sqlite3.h>

#include <string>

namespace tidemark::ingest::sqlite {

namespace {

Failure failure_of(int extended) {
  if (extended == SQLITE_CORRUPT_VTAB) return Failure::damaged_search;
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure::busy;
    case SQLITE_FULL:
      return Failure::full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Failure::read_only;
    case SQLITE_CORRUPT:
      return Failure::damaged;
    case SQLITE_NOTADB:
      return Failure::not_a_database;
    case SQLITE_CANTOPEN:
      return Failure::cannot_open;
    case SQLITE_TOOBIG:
      return Failure::too_big;
    case SQLITE_INTERRUPT:
      return Failure::interrupted;
    default:
      return Failure::other;
  }
}

[[noreturn]] void fail(sqlite3* database, int code) {
  const int extended = database == nullptr ? code : sqlite3_extended_errcode(database);
  const char* text = database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database);
  throw DatabaseError(failure_of(extended == SQLITE_OK ? code : extended), text);
}

}  // namespace

Statement::Statement(sqlite3* database, std::string_view sql) {
  const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) fail(database, code);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK) fail(sqlite3_db_handle(statement_), code);
}

void Statement::bind(int index, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();  // a null pointer would bind NULL
  if (const int code = sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8); code != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_), code);
  }
}

void Statement::bind(int index, Blob blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  if (const int code = sqlite3_bind_blob64(statement_, index, data, blob.bytes.size(), SQLITE_STATIC); code != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_), code);
  }
}

void Statement::bind_null(int index) {
  if (const int code = sqlite3_bind_null(statement_, index); code != SQLITE_OK) fail(sqlite3_db_handle(statement_), code);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  try {
    fail(sqlite3_db_handle(statement_), code);
  } catch (...) {
    reset();
    throw;
  }
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return data == nullptr ? std::string_view{} : std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Connection::Connection(const std::filesystem::path& file, Access access, int cache_kibibytes) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | (access == Access::creator ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(file.c_str(), &database_, flags, nullptr);
  try {
    if (code != SQLITE_OK) fail(database_, code);
    sqlite3_extended_result_codes(database_, 1);
    wait_when_busy(busy_timeout);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);  // the triggers write to the FTS5 table
    execute(("PRAGMA cache_size=-" + std::to_string(cache_kibibytes)).c_str());
    execute("PRAGMA synchronous=NORMAL");
    execute("PRAGMA secure_delete=OFF");  // distributions switch it on; it doubles the work of every removal
    execute("PRAGMA recursive_triggers=OFF");
    if (access == Access::reader) execute("PRAGMA query_only=ON");
  } catch (...) {
    sqlite3_close_v2(database_);
    throw;
  }
}

Connection::~Connection() {
  cache_.clear();
  sqlite3_close_v2(database_);
}

void Connection::execute(const char* sql) {
  if (const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) fail(database_, code);
}

std::int64_t Connection::integer(std::string_view sql) {
  StatementScope statement = cached(sql);
  return statement->step() ? statement->integer(0) : 0;
}

StatementScope Connection::cached(std::string_view sql) {
  auto found = cache_.find(sql);
  if (found == cache_.end()) found = cache_.emplace(std::string(sql), std::make_unique<Statement>(database_, sql)).first;
  return StatementScope(*found->second);
}

std::int64_t Connection::changes() const { return sqlite3_changes64(database_); }

std::int64_t Connection::total_changes() const { return sqlite3_total_changes64(database_); }

bool Connection::in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

void Connection::wait_when_busy(std::chrono::milliseconds limit) { sqlite3_busy_timeout(database_, static_cast<int>(limit.count())); }

std::string Connection::file() const { return sqlite3_db_filename(database_, "main"); }

bool Connection::has_moved() const {
  int moved = 0;
  return sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

void Connection::disable_triggers() { sqlite3_db_config(database_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr); }

void Connection::interrupt() { sqlite3_interrupt(database_); }

// https://www.sqlite.org/fts5.html#extending_fts5
fts5_api* Connection::fts5() {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (const int code = sqlite3_prepare_v2(database_, "SELECT fts5(?1)", -1, &statement, nullptr); code != SQLITE_OK) fail(database_, code);
  sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
  sqlite3_step(statement);
  sqlite3_finalize(statement);
  if (api == nullptr) throw DatabaseError(Failure::other, "this SQLite has no FTS5");
  return api;
}

Transaction::Transaction(Connection& connection, Kind kind) : connection_(connection) {
  connection_.cached(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN")->run();
}

Transaction::~Transaction() {
  if (!open_ || !connection_.in_transaction()) return;
  try {
    connection_.cached("ROLLBACK")->run();
  } catch (const DatabaseError&) {
    // A failed rollback leaves the transaction to the closing of the connection; whoever broke it has thrown already.
  }
}

void Transaction::commit() {
  connection_.cached("COMMIT")->run();
  open_ = false;
}

}  // namespace tidemark::ingest::sqlite
