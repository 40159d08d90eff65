// The history of runs and the requests for them.
#include "ingest/run.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "ingest/removal_guard.hpp"
#include "ingest/run_requests.hpp"

using namespace tidemark::ingest;
using Outcome = RunReport::Outcome;

namespace {

RunReport report(std::int64_t id, Outcome outcome) {
  RunReport made;
  made.id = id;
  made.outcome = outcome;
  return made;
}

auto soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(30); }

}  // namespace

TEST_CASE("the last 1,000 runs are kept, the newest first") {
  RunHistory history;
  for (int id = 1; id <= 1'500; ++id) history.put(report(id, Outcome::succeeded));
  const auto runs = history.list();
  REQUIRE(runs.size() == 1'000);
  CHECK(runs.front().id == 1'500);
  CHECK(runs.back().id == 501);
  CHECK_FALSE(history.find(500));
  CHECK(history.find(501));
  CHECK(history.ended() == 1'500);
}

TEST_CASE("a run that was promised early keeps its place by its id") {
  RunHistory history;
  history.put(report(2, Outcome::queued));
  history.put(report(1, Outcome::running));
  CHECK(history.list().front().id == 2);
  history.put(report(1, Outcome::failed));
  history.put(report(1, Outcome::failed));
  CHECK(history.ended() == 1);
  CHECK(history.list().size() == 2);
}

TEST_CASE("waits end with the run, at the deadline and at the shutdown") {
  RunHistory history;
  history.put(report(1, Outcome::running));
  CHECK_FALSE(history.wait_for(1, std::chrono::steady_clock::now()));
  {
    const std::jthread ends([&] { history.put(report(1, Outcome::stalled)); });
    CHECK(history.wait_for(1, soon()));
    CHECK(history.wait_for_end(0, soon()) == 1);
  }
  const std::jthread closes([&] { history.close(); });
  CHECK_FALSE(history.wait_for(2, soon()));
  CHECK(history.wait_for_end(1, soon()) == 1);
}

TEST_CASE("requests merge: a rewrite wins, confirmations and retries stay, one id serves them all") {
  RunRequests requests;
  std::vector<std::int64_t> promised;
  const auto promise = [&](std::int64_t id) { promised.push_back(id); };
  requests.add({.trigger = "hint"});
  CHECK_FALSE(requests.operator_waits());
  const auto commit = *tidemark::git::Oid::parse("1111111111111111111111111111111111111111");
  const auto id = requests.add_promised({.trigger = "resync", .resync = Resync::rewrite, .allow_removals = commit, .by_operator = true}, promise);
  CHECK(requests.add_promised({.trigger = "quarantine-retry", .resync = Resync::audit, .retry_quarantine = true, .by_operator = true}, promise) ==
        id);
  CHECK(promised == std::vector<std::int64_t>{id});
  const auto taken = requests.take();
  CHECK(taken.trigger == "resync");
  CHECK(taken.run == id);
  CHECK(taken.resync == Resync::rewrite);
  CHECK(taken.retry_quarantine);
  CHECK(taken.allow_removals == commit);
  CHECK_FALSE(requests.operator_waits());
  CHECK(requests.take().trigger.empty());
  CHECK(requests.add_promised({.trigger = "resync", .resync = Resync::audit}, promise) == id + 1);
}

TEST_CASE("the guard's rule: over the share and over 100 documents, or everything") {
  const RemovalGuard guard{.percent = 50};
  CHECK_FALSE(guard.refuses(100, 110, false));
  CHECK(guard.refuses(101, 110, false));
  CHECK_FALSE(guard.refuses(500, 1'000, false));
  CHECK(guard.refuses(501, 1'000, false));
  CHECK(guard.refuses(1, 1, true));
  CHECK_FALSE(guard.refuses(0, 0, true));
  CHECK_FALSE(RemovalGuard{.percent = 100}.refuses(1'000, 1'000, true));
  CHECK(RemovalGuard{.percent = 0}.refuses(101, 1'000'000, false));
}
