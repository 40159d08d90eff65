// Files that can't be documents, and settings that send files out of the index and back.
#include <doctest/doctest.h>

#include <string>

#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using Outcome = RunReport::Outcome;

TEST_CASE("edge 58: newly excluded files leave the index, the others are not sent again") {
  AgentFixture f;
  auto tree = pages(10);
  tree["drafts/a.md"] = {"100644", "# Draft\n"};
  const auto first = f.volume.publish(tree);
  {
    Agent(f.volume, f.file).run();
  }
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

TEST_CASE("files that can't be documents are quarantined with the reason and retried when asked or changed") {
  AgentFixture f;
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
  AgentFixture f;
  Tree tree = pages(2);
  tree["large.md"] = {"100644", "# L\n" + std::string(5'000, 'x')};
  const auto first = f.volume.publish(tree);
  {
    Agent(f.volume, f.file).run();
  }
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
