// Runs that would remove too much are refused until an operator confirms them.
#include <doctest/doctest.h>

#include <string>

#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using Outcome = RunReport::Outcome;

namespace {

ReconcilerSettings guard_off() {
  ReconcilerSettings settings;
  settings.removals.percent = 100;
  return settings;
}

}  // namespace

TEST_CASE("the removal guard refuses, an operator's confirmation lets it through") {
  AgentFixture f;
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
  AgentFixture f;
  const auto first = f.volume.publish(pages(150));
  {
    Agent(f.volume, f.file).run();
  }
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
  AgentFixture f;
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
  AgentFixture f;
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
