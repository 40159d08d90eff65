// Runs of the reconciler over real repositories and the real SQLite engine: after each, the index is what git says the tree is.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using Outcome = RunReport::Outcome;

namespace {

ReconcilerSettings hourly() {
  ReconcilerSettings settings;
  settings.reconcile_period = std::chrono::hours(1);
  return settings;
}

}  // namespace

TEST_CASE("a first run fills the index, the next finds nothing to do") {
  AgentFixture f;
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
  AgentFixture f;
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
  AgentFixture f;
  auto tree = pages(5);
  const auto first = f.volume.publish(tree);
  {
    CHECK(Agent(f.volume, f.file).run().mode == Mode::rebuild);
  }
  {
    check_run(Agent(f.volume, f.file).run(), Mode::up_to_date);
  }
  tree["a.md"] = {"100644", "# A\n"};
  const auto second = f.volume.publish(tree, first);
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::diff);
  check_level(agent, f.volume, second);
}

TEST_CASE("edge 15: a force push to an older commit is a diff") {
  AgentFixture f;
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
  AgentFixture f;
  f.volume.publish(pages(20));
  Agent agent(f.volume, f.file);
  agent.run();
  const auto other = f.volume.publish({{"x/a.md", {"100644", "# A\n"}}, {"x/b.md", {"100644", "# B\n"}}});
  check_run(agent.run("hint"), Mode::diff);
  check_level(agent, f.volume, other);
}

TEST_CASE("edge 17: the old commit was pruned: an audit sends only what differs") {
  AgentFixture f;
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
  REQUIRE(run_any({"git", "-C", f.volume.root().string(), "cat-file", "-e", first}).status != 0);
  const auto report = agent.run("hint");
  check_run(report, Mode::audit);
  CHECK(report.upserted == 1);
  CHECK(report.removed == 1);
  check_level(agent, f.volume, second);
}

TEST_CASE("edge 18: a shallow clone without the previous commit is followed by audits") {
  AgentFixture f;
  GitRepository upstream(f.folder / "upstream.git");
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

TEST_CASE("reached: what the index holds, what it came past, and what is still to come however far ahead") {
  AgentFixture f;
  auto tree = pages(3);
  std::vector<std::string> commits{f.volume.publish(tree)};
  const auto more = [&](int count) {
    for (int number = 0; number < count; ++number) {
      tree["push.md"] = {"100644", "# Push " + std::to_string(commits.size()) + "\n"};
      commits.push_back(f.volume.commit(tree, commits.back()));
    }
  };
  more(2);
  f.volume.publish(commits.back());
  Agent agent(f.volume, f.file);
  agent.run();
  const auto held = commits.size() - 1;
  more(70);  // the last ones are further ahead than is looked at first
  const auto aside = f.volume.commit(tree, commits.front());
  for (std::size_t at = 0; at < commits.size(); ++at) {
    CAPTURE(at);
    CHECK(agent.reconciler.reached(*git::Oid::parse(commits[at])) == (at <= held ? Reconciler::Reached::yes : Reconciler::Reached::not_yet));
  }
  CHECK(agent.reconciler.reached(*git::Oid::parse(aside)) == Reconciler::Reached::not_yet);
}

TEST_CASE("a wiped index is rebuilt") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(10));
  {
    Agent(f.volume, f.file).run();
  }
  for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(f.file.string() + suffix);
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::rebuild);
  check_level(agent, f.volume, first);
}

TEST_CASE("a forced rewrite writes every document, a forced audit only looks") {
  AgentFixture f;
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
  AgentFixture f;
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

TEST_CASE("edge 20 and 59: a flip in mid-run changes nothing, the next run takes it") {
  AgentFixture f;
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
  AgentFixture f;
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
  AgentFixture f;
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
