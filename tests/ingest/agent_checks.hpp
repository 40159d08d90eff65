// What tests of an agent have in common: a volume and an index file, pages to publish, and how an index is held against git.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "ingest/agent.hpp"

namespace tidemark::testing {

struct AgentFixture {
  const git::Library& library = libgit2();
  TemporaryDirectory folder;
  Volume volume{folder / "git"};
  std::filesystem::path file = folder / "index.sqlite";
};

inline Tree pages(int count, const std::string& text = "text") {
  Tree tree;
  for (int at = 0; at < count; ++at)
    tree["docs/page-" + std::to_string(1000 + at) + ".md"] = {"100644",
                                                              "# Page " + std::to_string(at) + "\n\n" + text + " " + std::to_string(at) + "\n"};
  return tree;
}

inline void check_level(Agent& agent, const Volume& volume, const std::string& commit) {
  CHECK(agent.documents() == volume.files(commit));
  const auto status = agent.reconciler.status();
  REQUIRE(status.checkpoint);
  CHECK(status.checkpoint->commit.hex() == commit);
  CHECK(status.documents == static_cast<std::int64_t>(volume.files(commit).size()));
}

inline void check_run(const ingest::RunReport& report, ingest::Mode mode,
                      ingest::RunReport::Outcome outcome = ingest::RunReport::Outcome::succeeded) {
  CAPTURE(report.reason);
  CAPTURE(report.error);
  CHECK(name_of(report.mode) == name_of(mode));
  CHECK(name_of(report.outcome) == name_of(outcome));
}

}  // namespace tidemark::testing
