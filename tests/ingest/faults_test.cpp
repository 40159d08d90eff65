// What a run does when the engine refuses, fails or lies, and how the loop goes on.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using Outcome = RunReport::Outcome;

namespace {

constexpr auto patience = std::chrono::seconds(60);

// Waits until `holds`, woken by each run's end.
template <typename Condition>
bool wait_until(Agent& agent, Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (auto seen = agent.history.ended();;) {
    if (holds()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    seen = agent.history.wait_for_end(seen, std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(200)));
  }
}

}  // namespace

TEST_CASE("documents that the engine refuses end in quarantine, the others are indexed") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(300));
  Agent agent(f.volume, f.file);
  agent.engine->faults.refuses = [](const Document& document) { return document.key.path.ends_with("7.md") && document.key.path < "docs/page-1100"; };
  const auto report = agent.run();
  CHECK(report.outcome == Outcome::succeeded);
  CHECK(report.upserted == 290);
  CHECK(report.quarantined == 10);
  CHECK(agent.documents().size() == 290);
  CHECK(agent.quarantine().size() == 10);
  CHECK(agent.quarantine().at("docs/page-1007.md").find("a fault") != std::string::npos);
  CHECK(agent.run("hint").mode == Mode::up_to_date);

  agent.engine->faults.refuses = {};
  agent.reconciler.retry_quarantine();
  CHECK(agent.run().upserted == 10);
  CHECK(agent.documents() == f.volume.files(first));
  CHECK(agent.quarantine().empty());
}

TEST_CASE("an engine that refuses more than a few percent stalls the run, which changes nothing") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(300));
  Agent agent(f.volume, f.file);
  agent.run();
  f.volume.publish(pages(300, "changed"), first);
  agent.engine->faults.refuses = [](const Document& document) { return document.key.path.ends_with("7.md"); };
  const auto report = agent.run("hint");
  CHECK(report.outcome == Outcome::stalled);
  CHECK(report.error.find("refused 30 of 300") != std::string::npos);
  CHECK(agent.documents() == f.volume.files(first));
}

TEST_CASE("an engine that does not settle each operation fails the run") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(20));
  Agent agent(f.volume, f.file);
  agent.run();
  f.volume.publish(pages(20, "changed"), first);
  agent.engine->faults.after_apply = [](std::vector<Settled>& settled) { settled.pop_back(); };
  CHECK(agent.run("hint").outcome == Outcome::failed);
  agent.engine->faults.after_apply = [](auto&) {};
  CHECK(agent.run("retry").outcome == Outcome::succeeded);
}

TEST_CASE("a listing that is out of order or double is not acted upon") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(20));
  Agent agent(f.volume, f.file);
  agent.run();
  const Listed one{.key = {"docs/page-1001.md", ""}, .fingerprint = {}, .quarantined = false, .altered = false};
  SUBCASE("out of order") {
    agent.engine->list_instead = [&](const auto& visit) {
      auto two = one;
      two.key.path = "docs/page-1000.md";
      visit(one);
      visit(two);
    };
  }
  SUBCASE("double") {
    agent.engine->list_instead = [&](const auto& visit) {
      visit(one);
      visit(one);
    };
  }
  SUBCASE("broken off") {
    agent.engine->list_instead = [&](const auto& visit) {
      visit(one);
      throw TransientError("the listing broke off");
    };
  }
  agent.reconciler.resync(Resync::audit, std::nullopt);
  CHECK(agent.run().outcome == Outcome::failed);
  agent.engine->list_instead = {};
  // The retry still is the audit that was asked for.
  CHECK(agent.run("retry").mode == Mode::audit);
  CHECK(agent.documents() == f.volume.files(first));
}

TEST_CASE("batches are bounded in operations and in bytes") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(95));
  AgentOptions options;
  SUBCASE("operations") {
    options.reconciler.batch_operations = 10;
    Agent agent(f.volume, f.file, options);
    CHECK(agent.run().upserted == 95);
    // What is filled gets less than a full batch rather than nothing.
    auto& batches = agent.engine->faults.batches;
    CHECK(std::accumulate(batches.begin(), batches.end(), std::size_t{0}) == 95);
    CHECK(*std::max_element(batches.begin(), batches.end()) <= 10);

    batches.clear();
    f.volume.publish(pages(95, "changed"), first);
    CHECK(agent.run("hint").upserted == 95);
    CHECK(agent.engine->faults.batches == std::vector<std::size_t>{10, 10, 10, 10, 10, 10, 10, 10, 10, 5});
  }
  SUBCASE("bytes") {
    options.reconciler.batch_bytes = 1;
    Agent agent(f.volume, f.file, options);
    CHECK(agent.run().upserted == 95);
    CHECK(agent.engine->faults.batches == std::vector<std::size_t>(95, 1));
  }
}

TEST_CASE("a failure before or in the commit leaves the index as it was, and the next run repairs it") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(40));
  Agent agent(f.volume, f.file);
  agent.run();
  auto tree = pages(40, "changed");
  tree.erase("docs/page-1001.md");
  const auto second = f.volume.publish(tree, first);
  const auto fails = [] { throw TransientError("the engine went away"); };
  SUBCASE("in apply") { agent.engine->faults.before_apply = fails; }
  SUBCASE("in commit") { agent.engine->faults.before_commit = fails; }
  const auto report = agent.run("hint");
  CHECK(report.outcome == Outcome::failed);
  CHECK(report.error == "the engine went away");
  CHECK(agent.documents() == f.volume.files(first));
  agent.engine->faults.before_apply = agent.engine->faults.before_commit = [] {};
  CHECK(agent.run("retry").outcome == Outcome::succeeded);
  CHECK(agent.documents() == f.volume.files(second));
}

TEST_CASE("without the lease the agent stands by and writes nothing") {
  AgentFixture f;
  f.volume.publish(pages(3));
  Agent agent(f.volume, f.file);
  agent.engine->alter_facts = [](Facts facts) {
    facts.writable = false;
    facts.holder = "the other agent";
    return facts;
  };
  const auto report = agent.run();
  CHECK(report.mode == Mode::stand_by);
  CHECK(report.outcome == Outcome::succeeded);
  CHECK(agent.documents().empty());
  const auto status = agent.reconciler.status();
  CHECK(status.standing_by.find("the other agent") != std::string::npos);
  CHECK_FALSE(status.lease_held);
  CHECK_FALSE(status.last_success);
}

TEST_CASE("two agents on one index file: the second stands by and takes over when the first has gone") {
  AgentFixture f;
  auto tree = pages(3);
  const auto first = f.volume.publish(tree);
  auto one = std::make_unique<Agent>(f.volume, f.file);
  CHECK(one->run().mode == Mode::rebuild);
  Agent two(f.volume, f.file);
  const auto waiting = two.run();
  CAPTURE(waiting.error);
  CHECK(waiting.mode == Mode::stand_by);
  CHECK(two.documents().size() == 3);
  tree["new.md"] = {"100644", "# New\n"};
  const auto second = f.volume.publish(tree, first);
  one.reset();
  CHECK(two.run("period").mode == Mode::diff);
  CHECK(two.documents() == f.volume.files(second));
}

TEST_CASE("a stall is not tried again for a hint, but for a new revision, a signal or an operator") {
  AgentFixture f;
  const auto first = f.volume.publish(pages(3));
  AgentOptions options;
  options.reconciler.reconcile_period = std::chrono::hours(1);
  Agent agent(f.volume, f.file, options);
  std::atomic<int> inspections = 0;
  std::atomic<bool> full = true;
  agent.engine->alter_facts = [&](Facts facts) {
    ++inspections;
    if (full) throw StalledError("the disk is full");
    return facts;
  };
  std::jthread loop([&](std::stop_token stop) { agent.reconciler.loop(stop); });
  REQUIRE(wait_until(agent, [&] { return agent.history.ended() == 1; }));
  CHECK(agent.reconciler.status().stalled == "the disk is full");
  CHECK_FALSE(agent.reconciler.status().next_run);
  for (int at = 0; at < 10; ++at) agent.reconciler.hint();

  // A run that was asked for after the hints has an id that shows that none of them made one.
  const auto id = agent.reconciler.resync(Resync::audit, std::nullopt);
  CHECK(id == 2);
  REQUIRE(wait_until(agent, [&] { return agent.history.find(2)->outcome == Outcome::stalled; }));
  CHECK(inspections == 2);

  agent.reconciler.hint("signal");
  REQUIRE(wait_until(agent, [&] { return agent.history.ended() == 3; }));
  full = false;
  const auto second = f.volume.publish(pages(4), first);
  agent.reconciler.hint();
  REQUIRE(wait_until(agent, [&] { return agent.reconciler.status().last_success.has_value(); }));
  CHECK(agent.reconciler.status().stalled.empty());
  CHECK(agent.documents() == f.volume.files(second));
}

TEST_CASE("a failure is tried again by itself, with a growing pause that hints do not shorten") {
  AgentFixture f;
  f.volume.publish(pages(3));
  AgentOptions options;
  options.reconciler.reconcile_period = std::chrono::hours(1);
  options.reconciler.backoff = {.first = std::chrono::milliseconds(40), .limit = std::chrono::milliseconds(160)};
  Agent agent(f.volume, f.file, options);
  std::atomic<int> failures = 5;
  agent.engine->alter_facts = [&](Facts facts) {
    if (failures-- > 0) throw TransientError("not now");
    return facts;
  };
  const auto begin = std::chrono::steady_clock::now();
  std::jthread loop([&](std::stop_token stop) { agent.reconciler.loop(stop); });
  std::jthread hints([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      agent.reconciler.hint();
      std::this_thread::yield();
    }
  });
  REQUIRE(wait_until(agent, [&] { return agent.reconciler.status().last_success.has_value(); }));
  // Half of each pause at least: 20 + 40 + 80 + 80 + 80.
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(300));
  CHECK(agent.reconciler.status().last_error.empty());
}

TEST_CASE("hints and resyncs from many clients while pushes go on: one run at a time, nothing lost") {
  AgentFixture f;
  auto tree = pages(5);
  auto commit = f.volume.publish(tree);
  Agent agent(f.volume, f.file);
  std::atomic<int> runs = 0;
  std::atomic<bool> overlapped = false;
  agent.engine->faults.before_apply = [&] {
    if (++runs > 1) overlapped = true;
    --runs;
  };
  std::jthread loop([&](std::stop_token stop) { agent.reconciler.loop(stop); });
  std::vector<std::int64_t> ids;
  std::mutex ids_mutex;
  {
    std::vector<std::jthread> clients;
    for (int client = 0; client < 20; ++client) {
      clients.emplace_back([&, client] {
        for (int call = 0; call < 10; ++call) {
          agent.reconciler.hint();
          if (call % 5 != client % 5) continue;
          const auto id = agent.reconciler.resync(call % 2 == 0 ? Resync::rewrite : Resync::audit, std::nullopt);
          const std::lock_guard lock(ids_mutex);
          ids.push_back(id);
        }
      });
    }
    for (int push = 0; push < 10; ++push) {
      tree["push.md"] = {"100644", "# Push " + std::to_string(push) + "\n"};
      commit = f.volume.publish(tree, commit);
      agent.reconciler.hint();
    }
  }
  REQUIRE(wait_until(agent, [&] {
    const auto status = agent.reconciler.status();
    return status.checkpoint && status.checkpoint->commit.hex() == commit && !status.running;
  }));
  for (const auto id : ids) {
    CHECK(agent.history.wait_for(id, std::chrono::steady_clock::now() + patience));
    CHECK(agent.history.find(id)->outcome == Outcome::succeeded);
  }
  CHECK_FALSE(overlapped);
  CHECK(agent.documents() == f.volume.files(commit));
}
