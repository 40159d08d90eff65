// The index file among others: foreign and damaged files, a second agent, other clients, processes that die.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "daemon/error.hpp"
#include "ingest/sqlite/sqlite_engine.hpp"
#include "ingest/sqlite_index.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;
namespace fs = std::filesystem;

using Access = sqlite::Connection::Access;

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes; }

std::string refusal(SqliteIndex& index) {
  try {
    index.open();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

fs::path with_suffix(fs::path path, const char* suffix) { return path += suffix; }

void fill(Engine& engine, int documents) {
  std::vector<Operation> operations;
  for (int i = 0; i < documents; ++i) operations.emplace_back(page("p" + std::to_string(100'000 + i), "word number " + std::to_string(i) + std::string(2'000, ' ')));
  commit_run(engine, Mode::rebuild, 1'000, operations, 1);
}

TEST_CASE("a file that is no database is refused and left as it is") {
  SqliteIndex index;
  write(index.file(), "not a database, but somebody's notes, longer than the header of a database would be, which is a hundred bytes");
  const std::string before = contents(index.file());
  CHECK(refusal(index).find("is not an SQLite database; choose another file") != std::string::npos);
  CHECK(contents(index.file()) == before);
  write(index.file(), "short");
  CHECK(refusal(index).find("is not an SQLite database") != std::string::npos);
}

TEST_CASE("another application's database is refused and left as it is") {
  SqliteIndex index;
  { sqlite::Connection(index.file(), Access::creator, 64).execute("CREATE TABLE document(x); INSERT INTO document VALUES (1)"); }
  const std::string before = contents(index.file());
  CHECK(refusal(index).find("is the database of another application; choose another file") != std::string::npos);
  CHECK(contents(index.file()) == before);
  for (const auto& entry : fs::directory_iterator(index.folder())) CHECK(entry.path() == index.file());
}

TEST_CASE("a folder in the file's place, and a folder that is not there, are refused in words") {
  SqliteIndex index;
  fs::create_directory(index.file());
  CHECK(refusal(index).find("is not a regular file") != std::string::npos);
  Log log(LogFormat::text, LogLevel::error);
  CHECK_THROWS_WITH_AS(open_sqlite_engine(index.folder() / "absent" / "index.db", log), doctest::Contains("needs a folder that exists"), ConfigError);
}

TEST_CASE("an empty file is a new index") {
  SqliteIndex index;
  write(index.file(), "");
  CHECK(index.open()->inspect().schema == Schema::none);
}

TEST_CASE("a damaged index is set aside when it is opened, and a new one is begun") {
  SqliteIndex index;
  for (int round = 1; round <= 2; ++round) {
    fill(*index.open(), 50);
    std::string bytes = contents(index.file());
    REQUIRE(bytes.size() > 20'000);
    SUBCASE("overwritten in the middle") { bytes.replace(8'192, 8'192, std::string(8'192, '\xAA')); }
    SUBCASE("cut short") { bytes.resize(bytes.size() / 2); }
    SUBCASE("nothing but its header left") { bytes.replace(100, bytes.size() - 100, std::string(bytes.size() - 100, '\0')); }
    write(index.file(), bytes);
    const auto engine = index.open();
    const Facts facts = engine->inspect();
    CHECK(facts.schema == Schema::none);
    CHECK(facts.writable);
    CHECK(contents(with_suffix(index.file(), (".damaged-" + std::to_string(round)).c_str())) == bytes);
    fill(*engine, 3);
    CHECK(found(*engine, "word").size() == 3);
  }
}

TEST_CASE("an index damaged while it is open is set aside at the next look") {
  SqliteIndex index;
  fill(*index.open(), 500);
  const auto engine = index.open();
  CHECK(engine->inspect().check_holds);
  {
    std::fstream file(index.file(), std::ios::binary | std::ios::in | std::ios::out);
    const auto size = fs::file_size(index.file());
    for (std::uintmax_t at = 4'096; at < size; at += 4'096) {
      file.seekp(static_cast<std::streamoff>(at));
      file << std::string(4'096, '\xAA');
    }
  }
  CHECK_THROWS_AS(listed(*engine), TransientError);
  CHECK(engine->inspect().schema == Schema::none);
  CHECK(fs::exists(with_suffix(index.file(), ".damaged-1")));
  fill(*engine, 3);
  CHECK(found(*engine, "word").size() == 3);
  CHECK(engine->inspect().check_holds);
}

TEST_CASE("an index file that is deleted or replaced while it is open is read anew") {
  SqliteIndex index;
  const auto engine = index.open();
  fill(*engine, 3);
  std::filesystem::remove(index.file());
  CHECK(engine->inspect().schema == Schema::none);
  CHECK(found(*engine, "word").empty());
  fill(*engine, 5);
  CHECK(found(*engine, "word").size() == 5);

  SqliteIndex backup;
  fill(*backup.open(), 2);
  std::filesystem::rename(backup.file(), index.file());
  CHECK(engine->inspect().check_holds);
  CHECK(found(*engine, "word").size() == 2);
}

TEST_CASE("a large damaged index is found out while it is in use") {
  SqliteIndex index;
  {
    const auto engine = index.open();
    std::vector<Operation> operations;
    for (int i = 0; i < 90; ++i) operations.emplace_back(page("p" + std::to_string(i), "word " + std::string(800'000, ' ')));
    commit_run(*engine, Mode::rebuild, 1'000, operations, 1);
  }
  REQUIRE(fs::file_size(index.file()) > 64 * 1024 * 1024);
  {
    // A pointer in the middle of a chain of pages: nothing that opening the file would meet.
    std::fstream file(index.file(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4'096 * 9'000);
    file << std::string(4'096, '\xAA');
  }
  const auto engine = index.open();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (engine->inspect().schema != Schema::none && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(engine->inspect().schema == Schema::none);
  CHECK(fs::exists(with_suffix(index.file(), ".damaged-1")));
}

TEST_CASE("damaged search tables are rebuilt") {
  SqliteIndex index;
  const auto engine = index.open();  // before the damage, which SQLite 3.44 and later would notice at the opening
  fill(*engine, 20);
  { sqlite::Connection(index.file(), Access::writer, 64).execute("DELETE FROM search_data WHERE id > 10"); }
  SearchQuery query;
  query.text = "word";
  CHECK_THROWS_AS(engine->search(query), TransientError);
  CHECK(engine->inspect().tampered);
  fill(*engine, 20);
  CHECK_FALSE(engine->inspect().tampered);
  CHECK(found(*engine, "word").size() == 20);
}

TEST_CASE("a second agent stands by, serves searches, and takes over") {
  SqliteIndex index;
  auto first = index.open();
  fill(*first, 3);
  const auto second = index.open();
  Facts facts = second->inspect();
  CHECK_FALSE(facts.writable);
  CHECK(facts.holder.find("process " + std::to_string(::getpid())) != std::string::npos);
  CHECK(facts.check_holds);
  CHECK(second->ready());
  CHECK(found(*second, "word").size() == 3);
  CHECK_THROWS_AS(second->begin({.mode = Mode::diff, .generation = 2'000, .source = test_source()}), TransientError);
  commit_run(*first, Mode::diff, 2'000, {Removal{{.path = "p100000", .fragment = ""}}}, 2);
  CHECK(found(*second, "word").size() == 2);
  first.reset();
  facts = second->inspect();
  CHECK(facts.writable);
  CHECK(facts.check_holds);
  commit_run(*second, Mode::diff, 3'000, {page("new.md", "word")}, 3);
  CHECK(found(*second, "word").size() == 3);
}

TEST_CASE("a client without the tokenizer reads the file but cannot touch a document") {
  SqliteIndex index;
  const auto engine = index.open();
  fill(*engine, 3);
  sqlite::Connection client(index.file(), Access::writer, 64);
  CHECK(client.integer("SELECT count(*) FROM document WHERE prose LIKE 'word%'") == 3);
  for (const char* sql : {"DELETE FROM document", "UPDATE document SET prose = 'x'", "UPDATE document SET altered = 1, title = 'x'",
                          "INSERT INTO document SELECT 99, 0, generation, revision, committed_at, x'00', fragment, oid, fingerprint, size, kind, lang, draft, date, url, front_id, "
                          "title, tags, description, summary, problems, front_matter, sections, headings, prose, code FROM document LIMIT 1"}) {
    CAPTURE(std::string(sql));
    CHECK_THROWS_WITH(client.execute(sql), doctest::Contains("tokenizer"));
  }
  CHECK(engine->inspect().check_holds);
  CHECK(found(*engine, "word").size() == 3);
}

TEST_CASE("every write of another client fails the check") {
  SqliteIndex index;
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), Quarantined{.key = {.path = "q.md", .fragment = ""}, .oid = {}, .fingerprint = {}, .reason = "r", .revision = {}}}, 1);
  const auto client = index.client();
  std::int64_t generation = 2'000;
  for (const char* sql : {"DELETE FROM quarantine", "INSERT INTO quarantine VALUES (x'61', x'', x'', x'', 'r', x'')", "UPDATE quarantine SET reason = 'x'",
                          "UPDATE state SET commit_id = x'00'", "UPDATE counter SET operations = operations + 1", "UPDATE document SET title = 'x'", "UPDATE document SET altered = 0",
                          "DELETE FROM document WHERE path = x'612E6D64'"}) {
    CAPTURE(std::string(sql));
    client->execute(sql);
    const Facts facts = engine->inspect();
    CHECK_FALSE(facts.check_holds);
    CHECK(facts.check_detail.find("operations") != std::string::npos);
    CHECK_FALSE(facts.tampered);
    commit_run(*engine, Mode::audit, generation += 1'000, {page("a.md", "alpha")}, 1);
    CHECK(engine->inspect().check_holds);
  }
  CHECK(client->integer("SELECT documents FROM counter") == client->integer("SELECT count(*) FROM document"));
  CHECK(client->integer("SELECT quarantined FROM counter") == client->integer("SELECT count(*) FROM quarantine"));
}

TEST_CASE("a mark of alteration cannot be taken back") {
  SqliteIndex index;
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
  const auto client = index.client();
  client->execute("UPDATE document SET prose = 'defaced'");
  client->execute("UPDATE document SET altered = 0");
  client->execute("UPDATE document SET title = 'defaced', altered = 0");
  CHECK(listed(*engine).at(0).altered);
  CHECK(found(*engine, "defaced").size() == 1);
  CHECK(found(*engine, "alpha").empty());
}

TEST_CASE("changed tables and triggers ask for a rebuild, which heals them") {
  SqliteIndex index;
  const auto engine = index.open();
  fill(*engine, 3);
  for (const char* sql : {"DROP TRIGGER document_removed", "CREATE TRIGGER mine AFTER INSERT ON document BEGIN SELECT 1; END", "DROP TABLE search", "DROP TABLE document",
                          "DROP INDEX document_key", "ALTER TABLE document ADD COLUMN mine", "DROP TABLE search_config", "DELETE FROM search_config", "DROP TABLE search_data", "DELETE FROM search_data", "DROP TABLE search_docsize", "DELETE FROM search_docsize", "DELETE FROM state", "DROP TRIGGER state_altered; DROP TABLE counter"}) {
    CAPTURE(std::string(sql));
    index.client()->execute(sql);
    const Facts facts = engine->inspect();
    CHECK(facts.tampered);
    CHECK_FALSE(facts.check_detail.empty());
    fill(*engine, 3);
    CHECK_FALSE(engine->inspect().tampered);
    CHECK(engine->inspect().check_holds);
    CHECK(found(*engine, "word").size() == 3);
  }
  const auto client = index.client();
  client->execute("CREATE TABLE mine(x); INSERT INTO mine VALUES (1)");
  CHECK_FALSE(engine->inspect().tampered);
  fill(*engine, 3);
  CHECK(client->integer("SELECT count(*) FROM mine") == 1);
}

TEST_CASE("a newer schema is recognised and left alone") {
  SqliteIndex index;
  const auto engine = index.open();
  fill(*engine, 3);
  index.client()->execute("PRAGMA user_version=1000");
  CHECK(engine->inspect().schema == Schema::newer);
  CHECK(found(*engine, "word").size() == 3);
}

TEST_CASE("a process killed in the middle of a run leaves the old index") {
  SqliteIndex index;
  fill(*index.open(), 100);
  for (const Mode mode : {Mode::diff, Mode::rebuild}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const auto engine = index.open();
      const auto run = engine->begin({.mode = mode, .generation = 2'000, .source = test_source()});
      std::vector<Operation> operations;
      // More than the caches hold, so that pages have reached the log.
      for (int i = 0; i < 4'000; ++i) operations.emplace_back(page("p" + std::to_string(100'000 + i), "other " + std::to_string(i) + std::string(4'000, 'x'), 2));
      run->apply(operations);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    const auto engine = index.open();
    const Facts facts = engine->inspect();
    CHECK_MESSAGE(facts.check_holds, facts.check_detail);
    CHECK(facts.documents == 100);
    CHECK(facts.state->checkpoint == checkpoint(1));
    CHECK(found(*engine, "word").size() == 100);
    CHECK(found(*engine, "other").empty());
  }
}

TEST_CASE("after any series of runs the search tables agree with the documents") {
  SqliteIndex index;
  auto engine = index.open();
  std::mt19937 random(11);
  std::map<std::string, std::string> model;
  commit_run(*engine, Mode::rebuild, 1'000, {}, 1);
  const std::vector<std::string> words{"alpha", "計算", "データ", "beta", "한국어", "x"};
  for (int round = 0; round < 60; ++round) {
    const Mode mode = round % 13 == 12 ? Mode::rebuild : round % 5 == 4 ? Mode::audit : Mode::diff;
    auto next = mode == Mode::rebuild ? std::map<std::string, std::string>{} : model;
    const bool commits = random() % 5 != 0;
    {
      const auto run = engine->begin({.mode = mode, .generation = 1'000 * (round + 2), .source = test_source()});
      for (auto batches = random() % 3; batches > 0; --batches) {
        std::vector<Operation> operations;
        for (auto left = random() % 20; left > 0; --left) {
          const std::string path = "p" + std::to_string(random() % 30);
          if (random() % 4 == 0) {
            operations.emplace_back(Removal{{.path = path, .fragment = ""}});
            next.erase(path);
          } else if (random() % 6 == 0) {
            operations.emplace_back(Quarantined{.key = {.path = path, .fragment = ""}, .oid = {}, .fingerprint = {}, .reason = "r", .revision = {}});
            next.erase(path);
          } else {
            const std::string text = words[random() % words.size()] + " " + words[random() % words.size()];
            operations.emplace_back(page(path, text, static_cast<unsigned>(random())));
            next[path] = text;
          }
        }
        run->apply(operations);
      }
      if (commits) run->commit(checkpoint(static_cast<unsigned>(round)));
    }
    if (commits) model = next;
    if (round % 7 == 0) {
      engine.reset();
      engine = index.open();
    }
    const Facts facts = engine->inspect();
    CHECK_MESSAGE(facts.check_holds, facts.check_detail);
    CHECK(facts.documents == static_cast<std::int64_t>(model.size()));
    for (const std::string& word : words) {
      std::size_t expected = 0;
      for (const auto& [path, text] : model) expected += text.find(word) != std::string::npos ? 1 : 0;
      CHECK_MESSAGE(found(*engine, word).size() == expected, word);
    }
    // FTS5's own comparison of its tables with the documents: https://www.sqlite.org/fts5.html#the_integrity_check_command
    CHECK_NOTHROW(index.client()->execute("INSERT INTO search(search, rank) VALUES ('integrity-check', 1)"));
  }
}

TEST_CASE("a long write-ahead log is copied back and made short without a run waiting for it") {
  SqliteIndex index;
  const auto engine = index.open();
  std::vector<Operation> operations;
  for (int i = 0; i < 5'000; ++i) operations.emplace_back(page("p" + std::to_string(i), "word " + std::string(5'000, 'x')));
  commit_run(*engine, Mode::rebuild, 1'000, operations, 1);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const fs::path log = with_suffix(index.file(), "-wal");
  while (fs::file_size(log) > 4'194'304 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(fs::file_size(log) <= 4'194'304);
  CHECK(engine->inspect().check_holds);
}

TEST_CASE("text that is not UTF-8 is refused, with the reason in quarantine") {
  SqliteIndex index;
  const auto engine = index.open();
  {
    const auto run = engine->begin({.mode = Mode::rebuild, .generation = 1'000, .source = test_source()});
    Document bad = page("bad.md", "content");
    bad.content.sections[0].anchor = "\xff";
    const auto settled = run->apply(std::vector<Operation>{page("good.md", "content"), bad});
    CHECK(settled.at(0).outcome == Settled::Outcome::applied);
    CHECK(settled.at(1).outcome == Settled::Outcome::refused);
    CHECK(settled.at(1).reason == "its text is not valid UTF-8");
    run->commit(checkpoint(1));
  }
  CHECK(engine->quarantine(10).at(0).key.path == "bad.md");
  CHECK(found(*engine, "content") == std::vector<std::string>{"good.md"});
  CHECK(engine->inspect().check_holds);
}

}  // namespace
