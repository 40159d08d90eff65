// The work that can't be avoided, done by the shortest program that does it: what bench/run divides our figures by.
//
//   tidemark-bench-reference load REPOSITORY COMMIT DATABASE     all documents of a commit from memory into fresh tables
//   tidemark-bench-reference pushes REPOSITORY REF DATABASE      for each line of standard input: git fetch, then one insert and commit
//
// Answers are lines of JSON; reading and parsing the documents is never part of a figure.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "git/object_store.hpp"
#include "ingest/plan.hpp"
#include "ingest/prepare.hpp"
#include "ingest/selection.hpp"
#include "ingest/sqlite/database.hpp"
#include "ingest/sqlite/index_file.hpp"
#include "ingest/sqlite/rows.hpp"
#include "ingest/sqlite/schema.hpp"

extern char** environ;

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

git::Oid commit_of(const std::string& text) {
  const auto oid = git::Oid::parse(text);
  if (!oid) throw std::runtime_error("not a commit: " + text);
  return *oid;
}

void write_search(sqlite::Connection& connection, std::string_view sql, std::int64_t id, const sqlite::SearchedText& text) {
  sqlite::StatementScope statement = connection.cached(sql);
  statement->bind_all(id, text.title, text.headings, text.summary, text.prose, text.code);
  statement->run();
}

void insert(sqlite::Connection& connection, std::int64_t id, const Document& document) {
  const sqlite::Row row(document);
  {
    sqlite::StatementScope statement = connection.cached(sqlite::insert_document_sql);
    row.bind(*statement, id);
    statement->run();
  }
  write_search(connection, "INSERT INTO search(rowid, title, headings, summary, prose, code) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", id, row.searched());
}

void remove(sqlite::Connection& connection, std::int64_t id) {
  {
    sqlite::StatementScope row = connection.cached("SELECT title, headings, summary, prose, code FROM document WHERE id = ?1");
    row->bind(1, id);
    if (!row->step()) throw std::runtime_error("the document is not there");
    write_search(connection, "INSERT INTO search(search, rowid, title, headings, summary, prose, code) VALUES ('delete', ?1, ?2, ?3, ?4, ?5, ?6)", id,
                 {row->bytes(0), row->bytes(1), row->bytes(2), row->bytes(3), row->bytes(4)});
  }
  sqlite::StatementScope statement = connection.cached("DELETE FROM document WHERE id = ?1");
  statement->bind(1, id);
  statement->run();
}

std::int64_t id_of(sqlite::Connection& connection, const DocumentKey& key) {
  sqlite::StatementScope find = connection.cached("SELECT id FROM document WHERE path = ?1 AND fragment = ?2");
  find->bind_all(sqlite::Blob{key.path}, sqlite::Blob{key.fragment});
  return find->step() ? find->integer(0) : 0;
}

// Two ways of loading FTS5, as its manual describes them: merging while it goes, or once at the end.
enum class Merging { as_it_goes, at_the_end };

void load_into(const std::string& file, const std::vector<Operation>& documents, Merging merging) {
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  const auto connection = sqlite::open_writer(file);
  sqlite::Transaction transaction(*connection, sqlite::Transaction::Kind::write);
  sqlite::create_schema(*connection);
  if (merging == Merging::at_the_end) connection->execute("INSERT INTO search(search, rank) VALUES ('automerge', 0)");
  std::int64_t inserted = 0;
  for (const Operation& operation : documents) {
    const auto* document = std::get_if<Document>(&operation);
    if (document == nullptr) continue;
    insert(*connection, ++inserted, *document);
  }
  if (merging == Merging::at_the_end) connection->execute("INSERT INTO search(search) VALUES ('optimize')");
  transaction.commit();
  fmt::print("{{\"merging\": \"{}\", \"documents\": {}, \"seconds\": {:.6f}, \"cpu_seconds\": {:.6f}}}\n",
             merging == Merging::at_the_end ? "at the end" : "as it goes", inserted, seconds_since(start), cpu_seconds() - cpu);
  std::fflush(stdout);
}

void load(const std::string& repository, const std::string& commit, const std::string& database) {
  const git::ObjectStore store(repository);
  const Selection selection{SelectionSettings{}};
  const git::Revision revision = store.revision(commit_of(commit));
  std::vector<Operation> documents;
  Preparer preparer(store, selection, revision, 1000);
  for_each_wanted(store, revision.tree, selection, [&](std::string_view path, const git::Oid& oid) {
    documents.push_back(preparer.prepare(path, oid));
    return true;
  });
  load_into(database + "-end", documents, Merging::at_the_end);
  load_into(database, documents, Merging::as_it_goes);
}

void run_git(const std::vector<std::string>& arguments) {
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, raw[0], nullptr, nullptr, raw.data(), environ) != 0) throw std::runtime_error("cannot start git");
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("git fetch failed");
}

// Each line: the pushed commit and the path of the one file that it changed. The database is that of `load`.
void pushes(const std::string& repository, const std::string& ref, const std::string& database) {
  git::ObjectStore store(repository);
  const Selection selection{SelectionSettings{}};
  const auto connection = sqlite::open_writer(database);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto start = Clock::now();
    run_git({"git", "-C", repository, "fetch", "--quiet", "origin", fmt::format("+{0}:{0}", ref)});
    const double fetched = seconds_since(start);

    const std::string path = line.substr(41);
    store.refresh();
    const git::Revision revision = store.revision(commit_of(line.substr(0, 40)));
    std::vector<Operation> one;
    Preparer preparer(store, selection, revision, 1000);
    for_each_wanted(store, revision.tree, Selection{SelectionSettings{.include = {"/" + path}, .exclude = {"!default"}}},
                    [&](std::string_view found, const git::Oid& oid) {
                      one.push_back(preparer.prepare(found, oid));
                      return true;
                    });
    const Document& document = std::get<Document>(one.at(0));

    const auto insert_start = Clock::now();
    sqlite::Transaction transaction(*connection, sqlite::Transaction::Kind::write);
    std::int64_t id = id_of(*connection, document.key);
    if (id != 0) {
      remove(*connection, id);
    } else {
      id = connection->integer("SELECT max(id) FROM document") + 1;
    }
    insert(*connection, id, document);
    transaction.commit();
    fmt::print("{{\"fetch_seconds\": {:.6f}, \"insert_seconds\": {:.6f}}}\n", fetched, seconds_since(insert_start));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  try {
    const git::Library libgit2;
    if (argc == 5 && arguments[1] == "load") {
      load(arguments[2], arguments[3], arguments[4]);
    } else if (argc == 5 && arguments[1] == "pushes") {
      pushes(arguments[2], arguments[3], arguments[4]);
    } else {
      std::cerr << "usage: tidemark-bench-reference load REPOSITORY COMMIT DATABASE | pushes REPOSITORY REF DATABASE\n";
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "tidemark-bench-reference: " << error.what() << '\n';
    return 1;
  }
}
