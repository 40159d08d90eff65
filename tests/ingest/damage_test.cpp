// Missing and corrupt objects, links to what is no revision, an index edited by hand: one clear error, or healing.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using Outcome = RunReport::Outcome;

namespace {

// Through a connection of its own, as an operator with the sqlite3 shell would.
void execute_sql(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  sqlite3_busy_timeout(database, 5000);
  char* message = nullptr;
  const auto code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message);
  const std::string text = message ? message : "";
  sqlite3_free(message);
  sqlite3_close(database);
  CAPTURE(text);
  REQUIRE(code == SQLITE_OK);
}

}  // namespace

TEST_CASE("a missing blob fails the run and changes nothing; when it is back the next run succeeds") {
  AgentFixture f;
  auto tree = pages(5);
  const auto first = f.volume.publish(tree);
  Agent agent(f.volume, f.file);
  agent.run();
  tree["docs/page-1001.md"].content = "# Changed\n";
  tree["a.md"] = {"100644", "# New\n"};
  const auto second = f.volume.commit(tree, first);
  f.volume.git({"repack", "-adq"});
  const auto blob = f.volume.files(second).at("docs/page-1001.md");
  // The pack without that blob, everything else in it.
  std::string objects;
  for (const auto listing = f.volume.git({"cat-file", "--batch-all-objects", "--batch-check=%(objectname)"}); const auto& line : [&] {
         std::vector<std::string> lines;
         for (std::size_t at = 0; at < listing.size(); at = listing.find('\n', at) + 1)
           lines.push_back(listing.substr(at, listing.find('\n', at) - at));
         return lines;
       }()) {
    if (line != blob) objects += line + "\n";
  }
  const auto packs = f.volume.root() / ".git/objects/pack";
  const auto aside = f.folder / "aside";
  f.volume.publish(second);
  std::filesystem::create_directory(aside);
  f.volume.git({"pack-objects", "--quiet", (aside / "pack").string()}, objects);
  std::filesystem::rename(packs, f.folder / "whole");
  std::filesystem::copy(aside, packs);

  const auto failed = agent.run("hint");
  check_run(failed, Mode::diff, Outcome::failed);
  CHECK(failed.error.find(blob) != std::string::npos);
  CHECK(agent.documents() == f.volume.files(first));
  CHECK(agent.reconciler.status().failures == 1);

  std::filesystem::remove_all(packs);
  std::filesystem::rename(f.folder / "whole", packs);
  const auto healed = agent.run("retry");
  CHECK(healed.outcome == Outcome::succeeded);
  CHECK(agent.reconciler.status().failures == 0);
  check_level(agent, f.volume, second);
}

TEST_CASE("a corrupt object fails the run with its id and changes nothing") {
  AgentFixture f;
  auto tree = pages(3);
  const auto first = f.volume.publish(tree);
  Agent agent(f.volume, f.file);
  agent.run();
  tree["a.md"] = {"100644", "# New\n"};
  const auto second = f.volume.publish(tree, first);
  // Another content under the blob's name: its own hash tells.
  f.volume.git({"repack", "-adq"});
  const auto packs = f.volume.root() / ".git/objects/pack";
  const auto aside = f.folder / "aside";
  std::filesystem::rename(packs, aside);
  std::filesystem::create_directory(packs);
  for (const auto& entry : std::filesystem::directory_iterator(aside)) {
    if (entry.path().extension() != ".pack") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    f.volume.git({"unpack-objects", "-q"}, std::string(std::istreambuf_iterator<char>(in), {}));
  }
  const auto blob = f.volume.files(second).at("a.md");
  const auto other = f.volume.files(second).at("docs/page-1000.md");
  const auto loose = [&](const std::string& hex) { return f.volume.root() / ".git/objects" / hex.substr(0, 2) / hex.substr(2); };
  std::filesystem::remove(loose(blob));
  std::filesystem::copy_file(loose(other), loose(blob));
  const auto failed = agent.run("hint");
  check_run(failed, Mode::diff, Outcome::failed);
  CHECK(failed.error.find("damaged") != std::string::npos);
  CHECK(agent.documents() == f.volume.files(first));
}

TEST_CASE("before the first revision the agent stands by") {
  AgentFixture f;
  Agent agent(f.volume, f.file);
  const auto report = agent.run();
  check_run(report, Mode::stand_by);
  CHECK(report.reason.find("current") != std::string::npos);
  CHECK(agent.documents().empty());
  agent.reconciler.resync(Resync::rewrite, std::nullopt);
  CHECK(agent.run().outcome == Outcome::failed);
  const auto first = f.volume.publish(pages(2));
  check_run(agent.run("period"), Mode::rebuild);
  check_level(agent, f.volume, first);
}

TEST_CASE("a link that is none of sync's is an error that says so") {
  AgentFixture f;
  f.volume.publish(pages(2));
  Agent agent(f.volume, f.file);
  SUBCASE("another name") { f.volume.flip(".git"); }
  SUBCASE("a dangling commit") { f.volume.flip(".worktrees/" + std::string(40, 'a')); }
  SUBCASE("an empty folder") {
    std::filesystem::create_directory(f.volume.root() / ".worktrees" / std::string(40, 'a'));
    f.volume.flip(".worktrees/" + std::string(40, 'a'));
  }
  SUBCASE("a folder") {
    std::filesystem::remove(f.volume.link());
    std::filesystem::create_directory(f.volume.link());
  }
  const auto report = agent.run();
  CHECK(report.outcome == Outcome::failed);
  CHECK(mode_of(report) == "undecided");
  CHECK_FALSE(report.error.empty());
  CHECK(agent.reconciler.status().last_error == report.error);
}

TEST_CASE("a link to what is no commit fails: a tree, a tag of a tree, a blob") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(2));
  std::string id;
  SUBCASE("a tree") { id = trimmed(f.volume.git({"rev-parse", first + "^{tree}"})); }
  SUBCASE("a blob") { id = f.volume.files(first).begin()->second; }
  SUBCASE("a tag of a tree") {
    const auto tree = trimmed(f.volume.git({"rev-parse", first + "^{tree}"}));
    id = trimmed(f.volume.git({"mktag"}, "object " + tree + "\ntype tree\ntag t\ntagger T <t@example.com> 1 +0000\n\nm\n"));
  }
  std::filesystem::create_directories(f.volume.root() / ".worktrees" / id);
  std::ofstream(f.volume.root() / ".worktrees" / id / ".git") << "gitdir: ../../.git\n";
  f.volume.flip(".worktrees/" + id);
  Agent agent(f.volume, f.file);
  CHECK(agent.run().outcome == Outcome::failed);
  CHECK(agent.documents().empty());
}

TEST_CASE("a hand edit of the index file is found and healed") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(10));
  {
    Agent(f.volume, f.file).run();
  }
  Mode expected = Mode::audit;
  std::string sql;
  SUBCASE("a row that nobody of ours wrote") {
    sql = "INSERT INTO quarantine SELECT x'612e6d64', x'', oid, fingerprint, 'mine', revision FROM document LIMIT 1";
  }
  SUBCASE("documents deleted behind the triggers' back") {
    expected = Mode::rebuild;
    sql = "DROP TRIGGER document_removed; DELETE FROM document WHERE id IN (SELECT id FROM document LIMIT 3)";
  }
  execute_sql(f.file, sql);
  Agent agent(f.volume, f.file);
  check_run(agent.run(), expected);
  CHECK(agent.quarantine().empty());
  check_level(agent, f.volume, first);
}
