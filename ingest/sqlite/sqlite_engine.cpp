#include "ingest/sqlite/sqlite_engine.hpp"

#include <atomic>
#include <string>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/sqlite/background_check.hpp"
#include "ingest/cursor.hpp"
#include "ingest/sqlite/facts.hpp"
#include "ingest/sqlite/index_file.hpp"
#include "ingest/sqlite/listing.hpp"
#include "ingest/sqlite/lock_file.hpp"
#include "ingest/sqlite/log_keeper.hpp"
#include "ingest/sqlite/readers.hpp"
#include "ingest/sqlite/searcher.hpp"
#include "ingest/sqlite/sqlite_run.hpp"

namespace tidemark::ingest {

namespace {

using namespace sqlite;

// About 0.1 s.
constexpr std::uintmax_t check_at_once_bytes = 64 * 1024 * 1024;

class SqliteEngine final : public Engine {
 public:
  SqliteEngine(std::filesystem::path file, Log& log);

  std::string kind() const override { return "sqlite"; }
  Facts inspect(Look) override;
  std::unique_ptr<EngineRun> begin(const RunStart& start) override;
  void list(const std::function<bool(const Listed&)>& visit) override;
  bool ready() override;
  SearchResult search(const SearchQuery& query) override;
  DocumentPage documents(const DocumentPageQuery& query) override;
  std::optional<Document> document(const DocumentKey& key) override;
  std::vector<Quarantined> quarantine(std::size_t limit) override;

 private:
  static std::filesystem::path lock_path(std::filesystem::path file) { return file += ".lock"; }
  void open();               // the writer, as the lease's holder
  void check();              // for damage: at once, or in the background when the file is large
  void replace_damaged(const std::string& what);
  void reopen();             // after somebody deleted the file or put another in its place
  [[noreturn]] void translate(const DatabaseError& error);
  // Calls `read` with a reader in a snapshot of an index that has our tables; otherwise gives an empty answer.
  template <typename Read>
  auto reading(Read read) -> decltype(read(std::declval<Connection&>(), std::declval<Tokenizer&>()));

  std::filesystem::path file_;
  Log& log_;
  LockFile lock_;
  Readers readers_;
  std::unique_ptr<Connection> writer_;
  std::unique_ptr<LogKeeper> keeper_;  // as long as there is a writer
  std::unique_ptr<BackgroundCheck> check_;
  std::atomic<bool> damaged_ = false;         // seen by anybody: the file is set aside at the next look
  std::atomic<bool> search_damaged_ = false;  // just the FTS5 tables: a rebuild makes them anew
};

SqliteEngine::SqliteEngine(std::filesystem::path file, Log& log)
    : file_(std::move(file)), log_(log), lock_((recognise(file_), lock_path(file_))), readers_(file_) {
  if (lock_.acquire()) open();
}

void SqliteEngine::open() {
  try {
    try {
      writer_ = open_writer(file_);
      check();
    } catch (const DatabaseError& error) {
      if (error.failure != Failure::damaged && error.failure != Failure::not_a_database) throw;
      replace_damaged(error.what());
    }
    if (keeper_ == nullptr) keeper_ = std::make_unique<LogKeeper>(file_, log_);
  } catch (const DatabaseError& error) {
    writer_.reset();
    throw ConfigError("cannot open " + file_.string() + ": " + error.what() + "; --engine sqlite:PATH needs a folder and a file that this user may write");
  } catch (const std::filesystem::filesystem_error& error) {
    writer_.reset();
    throw ConfigError("cannot look after " + file_.string() + ": " + error.what());
  }
}

void SqliteEngine::check() {
  if (std::filesystem::file_size(file_) > check_at_once_bytes) {
    check_ = std::make_unique<BackgroundCheck>(file_, log_, [this](const std::string& damage) {
      log_.error("the index is damaged", {{"file", file_.string()}, {"damage", damage}});
      damaged_ = true;
    });
    return;
  }
  const std::string damage = find_damage(*writer_);
  if (!damage.empty()) replace_damaged(damage);
}

void SqliteEngine::replace_damaged(const std::string& what) {
  check_.reset();
  keeper_.reset();
  writer_.reset();
  readers_.replace([&] {
    const std::filesystem::path aside = set_aside(file_);
    log_.error("set aside a damaged index; a new one is built", {{"file", file_.string()}, {"aside", aside.string()}, {"damage", what}});
    writer_ = open_writer(file_);
  });
  keeper_ = std::make_unique<LogKeeper>(file_, log_);
  damaged_ = false;
  search_damaged_ = false;
}

void SqliteEngine::translate(const DatabaseError& error) {
  const std::string text = file_.string() + ": " + error.what();
  switch (error.failure) {
    case Failure::full:
      throw StalledError(text + ": no space is left for the index");
    case Failure::read_only:
      throw StalledError(text + ": the index cannot be written");
    case Failure::damaged_search:
      search_damaged_ = true;
      throw TransientError(text + ": the index is rebuilt by the next run");
    case Failure::damaged:
    case Failure::not_a_database:
      damaged_ = true;
      throw TransientError(text + ": the file is set aside and the index rebuilt by the next run");
    default:
      throw TransientError(text);
  }
}

void SqliteEngine::reopen() {
  log_.warning("the index file was deleted or replaced", {{"file", file_.string()}});
  recognise(file_);  // another application's is not touched, nor is its log
  check_.reset();
  keeper_.reset();
  readers_.replace([&] {
    writer_.reset();
    // SQLite leaves the log of a file that has moved, and would take it for the new one's.
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(std::filesystem::path(file_) += suffix);
  });
  open();
}

Facts SqliteEngine::inspect(Look) {
  try {
    if (!lock_.acquire()) {
      Facts standby = reading([&](Connection& connection, Tokenizer&) { return read_facts(connection, search_damaged_); });
      standby.writable = false;
      standby.holder = lock_.holder();
      return standby;
    }
    if (writer_ == nullptr) {
      open();
    } else if (writer_->has_moved()) {
      reopen();
    }
    if (damaged_) replace_damaged("found while reading or writing");
    const Transaction snapshot(*writer_, Transaction::Kind::read);
    return read_facts(*writer_, search_damaged_);
  } catch (const DatabaseError& error) {
    translate(error);
  } catch (const ConfigError& error) {
    throw StalledError(error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    throw StalledError("cannot set the damaged " + file_.string() + " aside: " + error.what());
  }
}

std::unique_ptr<EngineRun> SqliteEngine::begin(const RunStart& start) {
  if (writer_ == nullptr) throw TransientError(file_.string() + " is held by another agent: " + lock_.holder());
  try {
    const auto committed = [this, mode = start.mode] {
      if (mode == Mode::rebuild) search_damaged_ = false;
      keeper_->committed();
    };
    const auto failed = [this](const DatabaseError& error) { translate(error); };
    try {
      return std::make_unique<SqliteRun>(*writer_, start, failed, committed);
    } catch (const DatabaseError& error) {
      // What can't even be dropped is no use to a rebuild.
      const bool beyond_repair = error.failure == Failure::damaged || error.failure == Failure::damaged_search || error.failure == Failure::other;
      if (start.mode != Mode::rebuild || !beyond_repair) throw;
      replace_damaged(error.what());
      return std::make_unique<SqliteRun>(*writer_, start, failed, committed);
    }
  } catch (const DatabaseError& error) {
    translate(error);
  } catch (const std::filesystem::filesystem_error& error) {
    throw StalledError("cannot set the damaged " + file_.string() + " aside: " + error.what());
  }
}

template <typename Read>
auto SqliteEngine::reading(Read read) -> decltype(read(std::declval<Connection&>(), std::declval<Tokenizer&>())) {
  try {
    if (recognise(file_) == Recognition::absent) return {};
    Readers::Loan loan = readers_.borrow();
    const Transaction snapshot(loan.connection(), Transaction::Kind::read);
    if (loan.connection().integer("PRAGMA user_version") == 0) return {};
    return read(loan.connection(), loan.tokenizer());
  } catch (const DatabaseError& error) {
    translate(error);
  } catch (const ConfigError& error) {
    throw TransientError(error.what());
  }
}

void SqliteEngine::list(const std::function<bool(const Listed&)>& visit) {
  reading([&](Connection& connection, Tokenizer&) {
    list_keys(connection, visit);
    return true;
  });
}

bool SqliteEngine::ready() {
  try {
    return reading([](Connection& connection, Tokenizer&) { return connection.integer("SELECT count(*) FROM state") == 1; });
  } catch (const TransientError&) {
    return false;
  } catch (const StalledError&) {
    return false;
  }
}

SearchResult SqliteEngine::search(const SearchQuery& query) {
  return reading([&](Connection& connection, Tokenizer& tokenizer) { return sqlite::search(connection, tokenizer, query); });
}

DocumentPage SqliteEngine::documents(const DocumentPageQuery& query) {
  const DocumentKey after = query.after ? parse_cursor(*query.after) : DocumentKey{};
  return reading([&](Connection& connection, Tokenizer&) { return page_of_documents(connection, query, after); });
}

std::optional<Document> SqliteEngine::document(const DocumentKey& key) {
  return reading([&](Connection& connection, Tokenizer&) { return find_document(connection, key); });
}

std::vector<Quarantined> SqliteEngine::quarantine(std::size_t limit) {
  return reading([&](Connection& connection, Tokenizer&) { return list_quarantine(connection, limit); });
}

}  // namespace

std::unique_ptr<Engine> open_sqlite_engine(const std::filesystem::path& file, Log& log) { return std::make_unique<SqliteEngine>(file, log); }

}  // namespace tidemark::ingest
