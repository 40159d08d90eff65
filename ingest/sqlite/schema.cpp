#include "ingest/sqlite/schema.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace tidemark::ingest::sqlite {

namespace {

struct Object {
  std::string_view type;
  std::string_view name;
  std::string_view sql;  // as sqlite_schema keeps it
};

// `document_filter` is what a search reads of a document that is not on its page: rows are as long as their text, the index is not.
// Columns that listings read come before the long ones, so that they are found without following overflow pages.
// `summary` is what of the description and the tags is searched; `headings`, `prose` and `code` are the sections' text, `sections` their anatomy.
// The triggers are for other clients: they keep the search table in step, count, and fail where the tokenizer is not known, so that a client without it can
// read the file but not touch a document. Our own writer runs without triggers and does the same itself (sqlite_run.cpp): a statement whose trigger writes
// to a virtual table takes a savepoint, at which FTS5 writes out all that it has gathered, which doubles the CPU of a bulk load.
// A row that somebody else writes is `altered`: our own insert is the only one that says 0, and nothing of ours updates.
constexpr std::array<Object, 15> objects{{
    {"table", "state",
     "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), source TEXT NOT NULL, origin TEXT NOT NULL, generation INTEGER NOT NULL, "
     "operations INTEGER NOT NULL, commit_id BLOB NOT NULL, tree BLOB NOT NULL, committed_at INTEGER NOT NULL, settings TEXT NOT NULL, "
     "parser_version INTEGER NOT NULL)"},
    {"table", "counter",
     "CREATE TABLE counter(id INTEGER PRIMARY KEY CHECK(id = 1), operations INTEGER NOT NULL, documents INTEGER NOT NULL, quarantined INTEGER NOT NULL)"},
    {"table", "document",
     "CREATE TABLE document(id INTEGER PRIMARY KEY, altered INTEGER NOT NULL DEFAULT 1, generation INTEGER NOT NULL, revision BLOB NOT NULL, "
     "committed_at INTEGER NOT NULL, path BLOB NOT NULL CHECK(typeof(path) = 'blob'), fragment BLOB NOT NULL CHECK(typeof(fragment) = 'blob'), "
     "oid BLOB NOT NULL, fingerprint BLOB NOT NULL, size INTEGER NOT NULL, kind TEXT NOT NULL, lang TEXT NOT NULL, draft INTEGER NOT NULL, date TEXT, "
     "url TEXT NOT NULL, front_id TEXT NOT NULL, title TEXT NOT NULL, tags TEXT NOT NULL, description TEXT NOT NULL, summary TEXT NOT NULL, "
     "problems TEXT NOT NULL, front_matter TEXT NOT NULL, sections TEXT NOT NULL, headings TEXT NOT NULL, prose TEXT NOT NULL, code TEXT NOT NULL)"},
    {"index", "document_key", "CREATE UNIQUE INDEX document_key ON document(path, fragment)"},
    {"index", "document_filter", "CREATE INDEX document_filter ON document(id, path, fragment, kind, lang, tags)"},
    {"table", "quarantine",
     "CREATE TABLE quarantine(path BLOB NOT NULL CHECK(typeof(path) = 'blob'), fragment BLOB NOT NULL CHECK(typeof(fragment) = 'blob'), "
     "oid BLOB NOT NULL, fingerprint BLOB NOT NULL, reason TEXT NOT NULL, revision BLOB NOT NULL, PRIMARY KEY(path, fragment)) WITHOUT ROWID"},
    {"table", "search",
     "CREATE VIRTUAL TABLE search USING fts5(title, headings, summary, prose, code, content='document', content_rowid='id', tokenize='tidemark')"},
    {"trigger", "document_added",
     "CREATE TRIGGER document_added AFTER INSERT ON document BEGIN "
     "INSERT INTO search(rowid, title, headings, summary, prose, code) VALUES (new.id, new.title, new.headings, new.summary, new.prose, new.code); "
     "UPDATE counter SET operations = operations + 1, documents = documents + 1; END"},
    {"trigger", "document_removed",
     "CREATE TRIGGER document_removed AFTER DELETE ON document BEGIN "
     "INSERT INTO search(search, rowid, title, headings, summary, prose, code) "
     "VALUES ('delete', old.id, old.title, old.headings, old.summary, old.prose, old.code); "
     "UPDATE counter SET operations = operations + 1, documents = documents - 1; END"},
    {"trigger", "document_altered",
     "CREATE TRIGGER document_altered AFTER UPDATE OF id, generation, revision, committed_at, path, fragment, oid, fingerprint, size, kind, lang, draft, "
     "date, url, front_id, title, tags, description, summary, problems, front_matter, sections, headings, prose, code ON document BEGIN "
     "INSERT INTO search(search, rowid, title, headings, summary, prose, code) "
     "VALUES ('delete', old.id, old.title, old.headings, old.summary, old.prose, old.code); "
     "INSERT INTO search(rowid, title, headings, summary, prose, code) VALUES (new.id, new.title, new.headings, new.summary, new.prose, new.code); "
     "UPDATE counter SET operations = operations + 1; UPDATE document SET altered = 1 WHERE id = new.id; END"},
    {"trigger", "document_marked",
     "CREATE TRIGGER document_marked AFTER UPDATE OF altered ON document WHEN new.altered = 0 BEGIN "
     "UPDATE counter SET operations = operations + 1; UPDATE document SET altered = 1 WHERE id = new.id; END"},
    {"trigger", "quarantine_added",
     "CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN "
     "UPDATE counter SET operations = operations + 1, quarantined = quarantined + 1; END"},
    {"trigger", "quarantine_removed",
     "CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN "
     "UPDATE counter SET operations = operations + 1, quarantined = quarantined - 1; END"},
    {"trigger", "quarantine_altered",
     "CREATE TRIGGER quarantine_altered AFTER UPDATE ON quarantine BEGIN UPDATE counter SET operations = operations + 1; END"},
    {"trigger", "state_altered",
     "CREATE TRIGGER state_altered AFTER UPDATE ON state BEGIN UPDATE counter SET operations = operations + 1; END"},
}};

const Object* find_object(std::string_view name) {
  for (const Object& object : objects) {
    if (object.name == name) return &object;
  }
  return nullptr;
}

}  // namespace

void create_schema(Connection& connection) {
  for (const Object& object : objects) connection.execute(std::string(object.sql).c_str());
  connection.execute("INSERT INTO counter VALUES (1, 0, 0, 0)");
  connection.execute(("PRAGMA user_version=" + std::to_string(schema_version)).c_str());
}

void drop_schema(Connection& connection) {
  connection.forget_cached();
  for (const Object& object : objects) {
    if (object.type == "trigger") connection.execute(("DROP TRIGGER IF EXISTS " + std::string(object.name)).c_str());
  }
  // The virtual table first: its shadow tables belong to it.
  connection.execute("DROP TABLE IF EXISTS search");
  for (const Object& object : objects) {
    if (object.type == "table") connection.execute(("DROP TABLE IF EXISTS " + std::string(object.name)).c_str());
  }
}

std::string schema_difference(Connection& connection) {
  std::size_t found = 0;
  StatementScope rows = connection.cached("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'");
  while (rows->step()) {
    const std::string name(rows->bytes(1));
    const Object* ours = find_object(name);
    if (ours == nullptr) {
      if (rows->bytes(0) == "trigger" && find_object(rows->bytes(2)) != nullptr) return "the trigger " + name + " is not ours";
      continue;
    }
    if (rows->bytes(0) != ours->type || rows->bytes(3) != ours->sql) return "the " + std::string(ours->type) + ' ' + name + " was changed";
    ++found;
  }
  return found == objects.size() ? "" : "a table, an index or a trigger is missing";
}

}  // namespace tidemark::ingest::sqlite
