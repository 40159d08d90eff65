// Runs of the reconciler over real repositories and the real SQLite engine: after each, the index is what git says the tree is.
#include <doctest/doctest.h>

#include <sqlite3.h>

#include <chrono>
#include <string>
#include <thread>

#include "ingest/agent.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using testing::Agent;
using testing::AgentOptions;
using testing::Tree;
using testing::Volume;
using Outcome = RunReport::Outcome;

namespace {

struct Fixture {
  const git::Library& library = testing::libgit2();
  testing::TemporaryDirectory folder;
  Volume volume{folder / "git"};
  std::filesystem::path file = folder / "index.sqlite";
};

Tree pages(int count, const std::string& text = "text") {
  Tree tree;
  for (int at = 0; at < count; ++at) tree["docs/page-" + std::to_string(1000 + at) + ".md"] = {"100644", "# Page " + std::to_string(at) + "\n\n" + text + " " + std::to_string(at) + "\n"};
  return tree;
}

ReconcilerSettings guard_off() {
  ReconcilerSettings settings;
  settings.removals.percent = 100;
  return settings;
}

ReconcilerSettings adopting() {
  ReconcilerSettings settings;
  settings.adopt = true;
  return settings;
}

ReconcilerSettings hourly() {
  ReconcilerSettings settings;
  settings.reconcile_period = std::chrono::hours(1);
  return settings;
}

void check_level(Agent& agent, const Volume& volume, const std::string& commit) {
  CHECK(agent.documents() == volume.files(commit));
  const auto status = agent.reconciler.status();
  REQUIRE(status.checkpoint);
  CHECK(status.checkpoint->commit.hex() == commit);
  CHECK(status.documents == static_cast<std::int64_t>(volume.files(commit).size()));
}

void check_run(const RunReport& report, Mode mode, Outcome outcome = Outcome::succeeded) {
  CAPTURE(report.reason);
  CAPTURE(report.error);
  CHECK(name_of(report.mode) == name_of(mode));
  CHECK(name_of(report.outcome) == name_of(outcome));
}

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

TEST_CASE("a first run fills the index, the next finds nothing to do") {
  Fixture f;
  const auto first = f.volume.publish(pages(30));
  Agent agent(f.volume, f.file);
  const auto report = agent.run();
  check_run(report, Mode::rebuild);
  CHECK(report.upserted == 30);
  CHECK(report.removed == 0);
  CHECK(report.bytes > 30 * 10);
  check_level(agent, f.volume, first);
  check_run(agent.run("hint"), Mode::up_to_date);
}

TEST_CASE("a push is a diff: only what changed is sent") {
  Fixture f;
  auto tree = pages(30);
  const auto first = f.volume.publish(tree);
  Agent agent(f.volume, f.file);
  agent.run();
  tree["docs/page-1003.md"].content = "# Other\n";
  tree["docs/new.md"] = {"100644", "# New\n"};
  tree.erase("docs/page-1004.md");
  tree["main.cpp"] = {"100644", "int x;"};
  const auto second = f.volume.publish(tree, first);
  const auto report = agent.run("hint");
  check_run(report, Mode::diff);
  CHECK(report.upserted == 2);
  CHECK(report.removed == 1);
  CHECK(report.examined == 4);
  CHECK(report.from->hex() == first);
  CHECK(report.to->hex() == second);
  tree.erase("main.cpp");
  CHECK(agent.documents().size() == 30);
  CHECK(agent.documents().contains("docs/new.md"));
  CHECK_FALSE(agent.documents().contains("docs/page-1004.md"));
}

TEST_CASE("the checkpoint outlives the process") {
  Fixture f;
  auto tree = pages(5);
  const auto first = f.volume.publish(tree);
  { CHECK(Agent(f.volume, f.file).run().mode == Mode::rebuild); }
  { check_run(Agent(f.volume, f.file).run(), Mode::up_to_date); }
  tree["a.md"] = {"100644", "# A\n"};
  const auto second = f.volume.publish(tree, first);
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::diff);
  check_level(agent, f.volume, second);
}

TEST_CASE("edge 15: a force push to an older commit is a diff") {
  Fixture f;
  auto tree = pages(10);
  const auto first = f.volume.publish(tree);
  tree["docs/page-1001.md"].content = "# Changed\n";
  tree["docs/more.md"] = {"100644", "# More\n"};
  const auto second = f.volume.publish(tree, first);
  Agent agent(f.volume, f.file);
  agent.run();
  check_level(agent, f.volume, second);
  f.volume.publish(first);
  const auto report = agent.run("hint");
  check_run(report, Mode::diff);
  CHECK(report.upserted == 1);
  CHECK(report.removed == 1);
  check_level(agent, f.volume, first);
}

TEST_CASE("edge 16: a force push to unrelated history leaves no ghosts") {
  Fixture f;
  f.volume.publish(pages(20));
  Agent agent(f.volume, f.file);
  agent.run();
  const auto other = f.volume.publish({{"x/a.md", {"100644", "# A\n"}}, {"x/b.md", {"100644", "# B\n"}}});
  check_run(agent.run("hint"), Mode::diff);
  check_level(agent, f.volume, other);
}

TEST_CASE("edge 17: the old commit was pruned: an audit sends only what differs") {
  Fixture f;
  auto tree = pages(20);
  f.volume.publish(tree);
  Agent agent(f.volume, f.file);
  agent.run();
  tree["docs/page-1002.md"].content = "# Changed\n";
  tree.erase("docs/page-1003.md");
  const auto second = f.volume.publish(tree);  // no parent
  f.volume.git({"worktree", "prune"});
  const auto first = agent.reconciler.status().checkpoint->commit.hex();
  std::filesystem::remove_all(f.volume.root() / ".worktrees" / first);
  f.volume.git({"worktree", "prune"});
  f.volume.git({"-c", "gc.reflogExpire=now", "-c", "gc.reflogExpireUnreachable=now", "gc", "--quiet", "--prune=now"});
  REQUIRE(testing::run_any({"git", "-C", f.volume.root().string(), "cat-file", "-e", first}).status != 0);
  const auto report = agent.run("hint");
  check_run(report, Mode::audit);
  CHECK(report.upserted == 1);
  CHECK(report.removed == 1);
  check_level(agent, f.volume, second);
}

TEST_CASE("edge 18: a shallow clone without the previous commit is followed by audits") {
  Fixture f;
  testing::GitRepository upstream(f.folder / "upstream.git");
  auto tree = pages(10);
  const auto first = upstream.commit(tree);
  f.volume.git({"fetch", "--quiet", "--depth=1", upstream.url(), "main"});
  f.volume.publish(first);
  Agent agent(f.volume, f.file);
  agent.run();
  tree["docs/page-1001.md"].content = "# Changed\n";
  tree["docs/b/c.md"] = {"100644", "# C\n"};
  auto middle = upstream.commit(tree, "refs/heads/main", first);
  tree.erase("docs/page-1002.md");
  const auto last = upstream.commit(tree, "refs/heads/main", middle);
  f.volume.git({"fetch", "--quiet", "--depth=1", upstream.url(), "main"});
  f.volume.publish(last);
  const auto report = agent.run("hint");
  CHECK(report.outcome == Outcome::succeeded);
  CHECK(report.upserted == 2);
  check_level(agent, f.volume, last);
  CHECK(agent.reconciler.reached(*git::Oid::parse(last)) == Reconciler::Reached::yes);
  CHECK(agent.reconciler.reached(*git::Oid::parse(std::string(40, 'b'))) == Reconciler::Reached::unknown_commit);
}

TEST_CASE("a wiped index is rebuilt") {
  Fixture f;
  const auto first = f.volume.publish(pages(10));
  { Agent(f.volume, f.file).run(); }
  for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(f.file.string() + suffix);
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::rebuild);
  check_level(agent, f.volume, first);
}

TEST_CASE("the removal guard refuses, an operator's confirmation lets it through") {
  Fixture f;
  const auto first = f.volume.publish(pages(150));
  Agent agent(f.volume, f.file);
  agent.run();
  const auto second = f.volume.publish(pages(20), first);
  const auto refused = agent.run("hint");
  check_run(refused, Mode::diff, Outcome::stalled);
  CHECK(refused.error.find("130 of 150") != std::string::npos);
  CHECK(refused.error.find(second) != std::string::npos);
  CHECK(agent.documents() == f.volume.files(first));
  CHECK_FALSE(agent.reconciler.status().stalled.empty());

  // For another revision than the published one it is no confirmation.
  agent.reconciler.resync(Resync::audit, *git::Oid::parse(first));
  check_run(agent.run(), Mode::audit, Outcome::stalled);
  CHECK(agent.documents() == f.volume.files(first));

  const auto id = agent.reconciler.resync(Resync::audit, *git::Oid::parse(second));
  const auto confirmed = agent.run();
  CHECK(confirmed.id == id);
  check_run(confirmed, Mode::audit);
  check_level(agent, f.volume, second);
  CHECK(agent.reconciler.status().stalled.empty());
}

TEST_CASE("the guard stops a rewrite and a settings change as well, and a run that would leave nothing") {
  Fixture f;
  const auto first = f.volume.publish(pages(150));
  { Agent(f.volume, f.file).run(); }
  {
    Agent agent(f.volume, f.file, {.selection = {.include = {}, .exclude = {"docs/page-11*"}}});
    check_run(agent.run(), Mode::audit);
    CHECK(agent.documents().size() == 100);
  }
  {
    Agent agent(f.volume, f.file, {.selection = {.include = {"nothing/"}, .exclude = {}}});
    check_run(agent.run(), Mode::audit, Outcome::stalled);
    agent.reconciler.resync(Resync::rewrite, std::nullopt);
    check_run(agent.run(), Mode::rebuild, Outcome::stalled);
    CHECK(agent.documents().size() == 100);
  }
  Agent agent(f.volume, f.file, {.reconciler = guard_off(), .selection = {.include = {"nothing/"}, .exclude = {}}});
  check_run(agent.run(), Mode::audit);
  CHECK(agent.documents().empty());
}

TEST_CASE("a few documents that are all there is are not removed without a confirmation, their replacement is") {
  Fixture f;
  const auto first = f.volume.publish({{"a.md", {"100644", "# A\n"}}});
  Agent agent(f.volume, f.file);
  agent.run();
  const auto replaced = f.volume.publish({{"b.md", {"100644", "# B\n"}}}, first);
  check_run(agent.run("hint"), Mode::diff);
  check_level(agent, f.volume, replaced);
  f.volume.publish(Tree{{"main.c", {"100644", "x"}}}, replaced);
  check_run(agent.run("hint"), Mode::diff, Outcome::stalled);
  CHECK(agent.documents().size() == 1);
  // The next push that brings documents ends the stall by itself.
  const auto back = f.volume.publish({{"c.md", {"100644", "# C\n"}}}, replaced);
  check_run(agent.run("hint"), Mode::diff);
  check_level(agent, f.volume, back);
}

TEST_CASE("a renamed folder is no loss that the guard would stop") {
  Fixture f;
  const auto first = f.volume.publish(pages(150));
  Agent agent(f.volume, f.file);
  agent.run();
  Tree moved;
  for (auto& [path, page] : pages(150)) moved["content" + path.substr(4)] = page;
  const auto second = f.volume.publish(moved, first);
  const auto report = agent.run("hint");
  check_run(report, Mode::diff);
  CHECK(report.removed == 150);
  CHECK(report.upserted == 150);
  check_level(agent, f.volume, second);
}

TEST_CASE("edge 58: newly excluded files leave the index, the others are not sent again") {
  Fixture f;
  auto tree = pages(10);
  tree["drafts/a.md"] = {"100644", "# Draft\n"};
  const auto first = f.volume.publish(tree);
  { Agent(f.volume, f.file).run(); }
  {
    Agent agent(f.volume, f.file, {.selection = {.include = {}, .exclude = {"drafts/"}}});
    const auto report = agent.run();
    check_run(report, Mode::audit);
    CHECK(report.removed == 1);
    CHECK(report.upserted == 0);
    CHECK_FALSE(agent.documents().contains("drafts/a.md"));
  }
  Agent agent(f.volume, f.file);
  const auto report = agent.run();
  check_run(report, Mode::audit);
  CHECK(report.upserted == 1);
  check_level(agent, f.volume, first);
}

TEST_CASE("a forced rewrite writes every document, a forced audit only looks") {
  Fixture f;
  const auto first = f.volume.publish(pages(40));
  Agent agent(f.volume, f.file);
  agent.run();
  agent.reconciler.resync(Resync::audit, std::nullopt);
  const auto audit = agent.run();
  check_run(audit, Mode::audit);
  CHECK(audit.upserted == 0);
  CHECK(audit.trigger == "resync");
  agent.reconciler.resync(Resync::rewrite, std::nullopt);
  const auto rewrite = agent.run();
  check_run(rewrite, Mode::rebuild);
  CHECK(rewrite.upserted == 40);
  check_level(agent, f.volume, first);
}

TEST_CASE("requests that wait merge into one run with one id, and a rewrite wins") {
  Fixture f;
  f.volume.publish(pages(3));
  Agent agent(f.volume, f.file);
  agent.run();
  agent.reconciler.hint();
  const auto one = agent.reconciler.resync(Resync::audit, std::nullopt);
  const auto two = agent.reconciler.resync(Resync::rewrite, std::nullopt);
  const auto three = agent.reconciler.retry_quarantine();
  agent.reconciler.hint();
  CHECK(one == two);
  CHECK(one == three);
  CHECK(agent.history.find(one)->outcome == Outcome::queued);
  const auto report = agent.run();
  CHECK(report.id == one);
  check_run(report, Mode::rebuild);
  CHECK(agent.history.find(one)->outcome == Outcome::succeeded);
  check_run(agent.run("hint"), Mode::up_to_date);
}

TEST_CASE("files that can't be documents are quarantined with the reason and retried when asked or changed") {
  Fixture f;
  Tree tree = pages(3);
  tree["bin.md"] = {"100644", std::string("# A\0\0\0\x01\x02 binary", 16)};
  tree["large.md"] = {"100644", "# L\n" + std::string(5'000, 'x')};
  const std::string long_path = [] {
    std::string path;
    for (int at = 0; at < 25; ++at) path += std::string(200, 'p') + "/";
    return path + "a.md";
  }();
  tree[long_path] = {"100644", "# Long\n"};
  const auto first = f.volume.publish(tree);
  const AgentOptions options{.selection = {.include = {}, .exclude = {}, .max_file_size = 1'000}};
  Agent agent(f.volume, f.file, options);
  const auto report = agent.run();
  check_run(report, Mode::rebuild);
  CHECK(report.upserted == 3);
  CHECK(report.quarantined == 3);
  CHECK(report.problems.size() == 3);
  auto quarantine = agent.quarantine();
  CHECK(quarantine.size() == 3);
  CHECK(quarantine["large.md"].find("5004") != std::string::npos);
  CHECK(quarantine["bin.md"].find("binary") != std::string::npos);
  CHECK(quarantine[long_path].find("4096") != std::string::npos);
  CHECK(agent.documents().size() == 3);

  // An audit leaves what is known to be bad alone; a retry does not.
  agent.reconciler.resync(Resync::audit, std::nullopt);
  CHECK(agent.run().quarantined == 0);
  agent.reconciler.retry_quarantine();
  const auto retried = agent.run();
  check_run(retried, Mode::audit);
  CHECK(retried.quarantined == 3);
  CHECK(retried.upserted == 0);

  // Shrunk below the limit, made text, and gone.
  tree["large.md"].content = "# Small\n";
  tree["bin.md"].content = "# Text\n";
  tree.erase(long_path);
  const auto second = f.volume.publish(tree, first);
  const auto healed = agent.run("hint");
  check_run(healed, Mode::diff);
  CHECK(healed.upserted == 2);
  CHECK(agent.quarantine().empty());
  check_level(agent, f.volume, second);

  // And back.
  tree["large.md"].content = std::string(5'000, 'y');
  f.volume.publish(tree, second);
  CHECK(agent.run("hint").quarantined == 1);
  CHECK_FALSE(agent.documents().contains("large.md"));
}

TEST_CASE("a changed size limit sends files into quarantine and out of it") {
  Fixture f;
  Tree tree = pages(2);
  tree["large.md"] = {"100644", "# L\n" + std::string(5'000, 'x')};
  const auto first = f.volume.publish(tree);
  { Agent(f.volume, f.file).run(); }
  {
    Agent agent(f.volume, f.file, {.selection = {.include = {}, .exclude = {}, .max_file_size = 1'000}});
    check_run(agent.run(), Mode::audit);
    CHECK_FALSE(agent.documents().contains("large.md"));
    CHECK(agent.quarantine().size() == 1);
  }
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::audit);
  CHECK(agent.quarantine().empty());
  check_level(agent, f.volume, first);
}

TEST_CASE("a missing blob fails the run and changes nothing; when it is back the next run succeeds") {
  Fixture f;
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
         for (std::size_t at = 0; at < listing.size(); at = listing.find('\n', at) + 1) lines.push_back(listing.substr(at, listing.find('\n', at) - at));
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
  const auto first = f.volume.publish(pages(2));
  std::string id;
  SUBCASE("a tree") { id = testing::trimmed(f.volume.git({"rev-parse", first + "^{tree}"})); }
  SUBCASE("a blob") { id = f.volume.files(first).begin()->second; }
  SUBCASE("a tag of a tree") {
    const auto tree = testing::trimmed(f.volume.git({"rev-parse", first + "^{tree}"}));
    id = testing::trimmed(f.volume.git({"mktag"}, "object " + tree + "\ntype tree\ntag t\ntagger T <t@example.com> 1 +0000\n\nm\n"));
  }
  std::filesystem::create_directories(f.volume.root() / ".worktrees" / id);
  std::ofstream(f.volume.root() / ".worktrees" / id / ".git") << "gitdir: ../../.git\n";
  f.volume.flip(".worktrees/" + id);
  Agent agent(f.volume, f.file);
  CHECK(agent.run().outcome == Outcome::failed);
  CHECK(agent.documents().empty());
}

TEST_CASE("an index of another source or origin is refused unless it is adopted") {
  Fixture f;
  const auto first = f.volume.publish(pages(3));
  { Agent(f.volume, f.file).run(); }
  Volume other(f.folder / "other", "https://elsewhere.example/team/docs.git");
  const auto theirs = other.publish({{"a.md", {"100644", "# A\n"}}});
  {
    Agent agent(other, f.file);
    const auto report = agent.run();
    CHECK(report.outcome == Outcome::stalled);
    CHECK(report.error.find("--adopt") != std::string::npos);
    CHECK(agent.documents() == f.volume.files(first));
  }
  {
    Agent agent(f.volume, f.file, {.source_name = "another"});
    const auto report = agent.run();
    CHECK(report.outcome == Outcome::stalled);
    CHECK(report.error.find("--source-name docs") != std::string::npos);
  }
  {
    Agent agent(other, f.file, {.reconciler = adopting()});
    check_run(agent.run(), Mode::audit);
    check_level(agent, other, theirs);
    check_run(agent.run("hint"), Mode::up_to_date);
  }
  Agent agent(other, f.file, {.reconciler = adopting(), .source_name = "another"});
  check_run(agent.run(), Mode::rebuild);
  check_level(agent, other, theirs);
  SearchQuery query;
  query.text = "A";
  CHECK(agent.engine->search(query).hits.at(0).source == "another");
}

TEST_CASE("another scheme or credential in the origin's URL is the same origin") {
  Fixture f;
  f.volume.publish(pages(3));
  { Agent(f.volume, f.file).run(); }
  f.volume.git({"config", "remote.origin.url", "ssh://git@host.example/team/docs"});
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::up_to_date);
}

TEST_CASE("a hand edit of the index file is found and healed") {
  Fixture f;
  const auto first = f.volume.publish(pages(10));
  { Agent(f.volume, f.file).run(); }
  Mode expected = Mode::audit;
  std::string sql;
  SUBCASE("a row that nobody of ours wrote") { sql = "INSERT INTO quarantine SELECT x'612e6d64', x'', oid, fingerprint, 'mine', revision FROM document LIMIT 1"; }
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

TEST_CASE("edge 20 and 59: a flip in mid-run changes nothing, the next run takes it") {
  Fixture f;
  auto tree = pages(200);
  const auto first = f.volume.publish(tree);
  tree["z.md"] = {"100644", "# Z\n"};
  const auto second = f.volume.commit(tree, first);
  Agent agent(f.volume, f.file);
  std::thread flips([&] {
    f.volume.publish(second);
    agent.reconciler.hint();
    agent.reconciler.hint();
  });
  const auto report = agent.run();
  flips.join();
  CHECK(report.outcome == Outcome::succeeded);
  CHECK(agent.documents() == f.volume.files(report.to->hex()));
  agent.run("hint");
  check_level(agent, f.volume, second);
}

TEST_CASE("the loop follows hints, and a stop ends it") {
  Fixture f;
  auto tree = pages(3);
  auto commit = f.volume.publish(tree);
  Agent agent(f.volume, f.file, {.reconciler = hourly()});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::jthread loop([&](std::stop_token stop) { agent.reconciler.loop(stop); });
  const auto wait_for = [&](const std::string& wanted) {
    auto seen = agent.history.ended();
    while (std::chrono::steady_clock::now() < deadline) {
      const auto checkpoint = agent.reconciler.status().checkpoint;
      if (checkpoint && checkpoint->commit.hex() == wanted) return true;
      seen = agent.history.wait_for_end(seen, deadline);
    }
    return false;
  };
  REQUIRE(wait_for(commit));
  for (int push = 0; push < 5; ++push) {
    tree["push.md"] = {"100644", "# Push " + std::to_string(push) + "\n"};
    commit = f.volume.publish(tree, commit);
    agent.reconciler.hint();
    REQUIRE(wait_for(commit));
    CHECK(agent.reconciler.reached(*git::Oid::parse(commit)) == Reconciler::Reached::yes);
  }
  const auto id = agent.reconciler.resync(Resync::rewrite, std::nullopt);
  CHECK(agent.history.wait_for(id, deadline));
  CHECK(agent.history.find(id)->mode == Mode::rebuild);
  loop.request_stop();
  loop.join();
  CHECK(agent.documents() == f.volume.files(commit));
}

TEST_CASE("a stopped run fails and leaves the index as it was") {
  Fixture f;
  const auto first = f.volume.publish(pages(5));
  Agent agent(f.volume, f.file);
  agent.run();
  f.volume.publish(pages(50), first);
  std::stop_source stop;
  stop.request_stop();
  CHECK(agent.reconciler.reconcile_once("hint", stop.get_token()).outcome == Outcome::failed);
  CHECK(agent.documents() == f.volume.files(first));
  CHECK(agent.run("retry").outcome == Outcome::succeeded);
  CHECK(agent.documents().size() == 50);
}
