// Whose documents an index holds, and taking over another's.
#include <doctest/doctest.h>

#include <string>

#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using Outcome = RunReport::Outcome;

namespace {

ReconcilerSettings adopting() {
  ReconcilerSettings settings;
  settings.adopt = true;
  return settings;
}

}  // namespace

TEST_CASE("an index of another source or origin is refused unless it is adopted") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(3));
  {
    Agent(f.volume, f.file).run();
  }
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
  AgentFixture f;
  f.volume.publish(pages(3));
  {
    Agent(f.volume, f.file).run();
  }
  f.volume.git({"config", "remote.origin.url", "ssh://git@host.example/team/docs"});
  Agent agent(f.volume, f.file);
  check_run(agent.run(), Mode::up_to_date);
}
