#include "ingest/sqlite/sqlite_engine.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/sqlite/background_check.hpp"
#include "ingest/sqlite/cursor.hpp"
#include "ingest/sqlite/index_file.hpp"
#include "ingest/sqlite/lock_file.hpp"
#include "ingest/sqlite/log_keeper.hpp"
#include "ingest/sqlite/readers.hpp"
#include "ingest/sqlite/rows.hpp"
#include "ingest/sqlite/schema.hpp"
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
  Facts inspect() override;
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
  Facts facts(Connection& connection);  // within a transaction
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
    keeper_ = std::make_unique<LogKeeper>(file_, log_);
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
  check_.reset();
  keeper_.reset();
  readers_.replace([&] {
    writer_.reset();
    // SQLite leaves the log of a file that has moved, and would take it for the new one's.
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(std::filesystem::path(file_) += suffix);
  });
  open();
}

Facts SqliteEngine::facts(Connection& connection) {
  Facts facts;
  const std::int64_t version = connection.integer("PRAGMA user_version");
  facts.schema = version == 0               ? Schema::none
                 : version < schema_version ? Schema::older
                 : version > schema_version ? Schema::newer
                                            : Schema::ours;
  if (facts.schema != Schema::ours) return facts;
  facts.check_detail = schema_difference(connection);
  if (search_damaged_) facts.check_detail = "the search tables are damaged";
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

Facts SqliteEngine::inspect() {
  try {
    if (!lock_.acquire()) {
      Facts standby = reading([&](Connection& connection, Tokenizer&) { return facts(connection); });
      standby.writable = false;
      standby.holder = lock_.holder();
      return standby;
    }
    if (writer_ == nullptr) {
      open();
    } else if (writer_->has_moved()) {
      reopen();
    }
    if (damaged_) {
      replace_damaged("found while reading or writing");
      keeper_ = std::make_unique<LogKeeper>(file_, log_);
    }
    const Transaction snapshot(*writer_, Transaction::Kind::read);
    return facts(*writer_);
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
    return std::make_unique<SqliteRun>(*writer_, start, [this](const DatabaseError& error) { translate(error); }, committed);
  } catch (const DatabaseError& error) {
    translate(error);
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
    StatementScope rows = connection.cached(
        "SELECT path, fragment, fingerprint, 0, altered FROM document UNION ALL SELECT path, fragment, fingerprint, 1, 0 FROM quarantine ORDER BY 1, 2");
    while (rows->step()) {
      const Listed listed{.key = {.path = std::string(rows->bytes(0)), .fragment = std::string(rows->bytes(1))},
                          .fingerprint = fingerprint_from(rows->bytes(2)),
                          .quarantined = rows->integer(3) != 0,
                          .altered = rows->integer(4) != 0};
      if (!visit(listed)) break;
    }
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
  const int limit = std::clamp(query.limit, 1, 1'000);
  return reading([&](Connection& connection, Tokenizer&) {
    DocumentPage page;
    const std::optional<std::string> end = after_prefix(query.prefix);
    StatementScope rows = connection.cached(end ? "SELECT path, fragment, oid, kind, title, revision FROM document WHERE (path, fragment) > (?1, ?2) AND "
                                                  "path >= ?3 AND path < ?5 ORDER BY path, fragment LIMIT ?4"
                                                : "SELECT path, fragment, oid, kind, title, revision FROM document WHERE (path, fragment) > (?1, ?2) AND "
                                                  "path >= ?3 ORDER BY path, fragment LIMIT ?4");
    rows->bind_all(Blob{after.path}, Blob{after.fragment}, Blob{query.prefix}, std::int64_t{limit} + 1);
    if (end) rows->bind(5, Blob{*end});
    while (rows->step()) {
      if (page.rows.size() == static_cast<std::size_t>(limit)) {
        page.next = make_cursor(page.rows.back().key);
        break;
      }
      page.rows.push_back({.key = {.path = std::string(rows->bytes(0)), .fragment = std::string(rows->bytes(1))},
                           .oid = oid_of(rows->bytes(2)),
                           .kind = std::string(rows->bytes(3)),
                           .title = std::string(rows->bytes(4)),
                           .revision = oid_of(rows->bytes(5))});
    }
    return page;
  });
}

std::optional<Document> SqliteEngine::document(const DocumentKey& key) {
  return reading([&](Connection& connection, Tokenizer&) -> std::optional<Document> {
    StatementScope row = connection.cached(select_document_sql);
    row->bind_all(Blob{key.path}, Blob{key.fragment});
    if (!row->step()) return std::nullopt;
    return read_document(*row, key);
  });
}

std::vector<Quarantined> SqliteEngine::quarantine(std::size_t limit) {
  return reading([&](Connection& connection, Tokenizer&) {
    std::vector<Quarantined> entries;
    StatementScope rows = connection.cached("SELECT path, fragment, oid, fingerprint, reason, revision FROM quarantine ORDER BY path, fragment LIMIT ?1");
    rows->bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, 1'000'000)));
    while (rows->step()) {
      entries.push_back({.key = {.path = std::string(rows->bytes(0)), .fragment = std::string(rows->bytes(1))},
                         .oid = oid_of(rows->bytes(2)),
                         .fingerprint = fingerprint_from(rows->bytes(3)),
                         .reason = std::string(rows->bytes(4)),
                         .revision = oid_of(rows->bytes(5))});
    }
    return entries;
  });
}

}  // namespace

std::unique_ptr<Engine> open_sqlite_engine(const std::filesystem::path& file, Log& log) { return std::make_unique<SqliteEngine>(file, log); }

}  // namespace tidemark::ingest
