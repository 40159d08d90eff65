// The thin wrapper around SQLite: connections and statements that release themselves, failures as one exception type.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;
struct fts5_api;

namespace tidemark::ingest::sqlite {

// What SQLite's result codes mean to this program.
enum class Failure { busy, full, read_only, damaged, damaged_search, not_a_database, cannot_open, too_big, interrupted, other };

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(Failure what_failed, const std::string& text) : std::runtime_error(text), failure(what_failed) {}
  Failure failure;
};

inline constexpr std::chrono::milliseconds busy_timeout{2'000};

struct Blob {
  std::string_view bytes;
};

// A prepared statement. One thread at a time. Text and blobs are bound by reference: they must live until the next bind or reset.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, Blob blob);
  void bind_null(int index);
  template <typename... Values>
  void bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
  }

  bool step();   // true: a row is there. Throws DatabaseError, after a reset.
  void run();    // steps to the end and resets
  void reset();  // also drops what was bound

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view bytes(int column) const;  // of text or blob; valid until the next step or reset
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// Resets a cached statement when the scope ends, so that no read transaction stays open.
class StatementScope {
 public:
  explicit StatementScope(Statement& statement) : statement_(statement) {}
  ~StatementScope() { statement_.reset(); }
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;
  Statement* operator->() { return &statement_; }
  Statement& operator*() { return statement_; }

 private:
  Statement& statement_;
};

// One thread at a time.
class Connection {
 public:
  enum class Access { reader, writer, creator };  // a reader cannot write; a creator makes the file

  Connection(const std::filesystem::path& file, Access access, int cache_kibibytes);  // throws DatabaseError
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void execute(const char* sql);             // statements without results, or whose results do not matter
  std::int64_t integer(std::string_view sql);  // the first column of the first row; 0 when there is none
  StatementScope cached(std::string_view sql);  // prepared once per connection; not to be nested with itself
  void forget_cached() { cache_.clear(); }
  std::int64_t changes() const;        // rows that the last statement changed
  std::int64_t total_changes() const;  // since the connection was opened, those of virtual tables' own tables too
  bool in_transaction() const;
  void wait_when_busy(std::chrono::milliseconds limit);
  std::string file() const;
  bool has_moved() const;  // the file was deleted, renamed or replaced since it was opened
  void disable_triggers();
  void interrupt();  // from any thread: the statement that runs ends with Failure::interrupted
  fts5_api* fts5();
  sqlite3* handle() { return database_; }

 private:
  sqlite3* database_ = nullptr;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> cache_;
};

// BEGIN to COMMIT; rolled back when it goes out of scope earlier.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace tidemark::ingest::sqlite
