// Batches on their way to an engine with several lanes: how many at once, in which order, and what becomes of failures.
#include "ingest/apply.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/agent_checks.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

using Batch = std::vector<Operation>;

Document document(int number, std::size_t bytes = 10) {
  Document result;
  result.key.path = "page-" + std::to_string(number) + ".md";
  result.content.front_matter = std::string(bytes, 'x');
  result.size = 100;
  return result;
}

Removal removal(int number) { return Removal{{"page-" + std::to_string(number) + ".md", ""}}; }

// Takes batches on as many threads as it is called on, and remembers what it saw.
class LanedRun : public EngineRun {
 public:
  explicit LanedRun(std::size_t count) : lanes_(count) {}

  std::vector<Settled> apply(std::span<const Operation> operations) override {
    std::unique_lock lock(mutex);
    ++at_once;
    most_at_once = std::max(most_at_once, at_once);
    threads.insert(std::this_thread::get_id());
    batches.emplace_back(operations.begin(), operations.end());
    changed.notify_all();
    const bool met = changed.wait_for(lock, 20s, [this] { return most_at_once >= meet; });
    lock.unlock();
    std::exception_ptr failure;
    std::vector<Settled> settled;
    try {
      if (!met) throw std::logic_error("fewer at once than there are lanes");
      during(operations);
      for (const auto& operation : operations) {
        const bool refused = std::holds_alternative<Document>(operation) && refuses(std::get<Document>(operation));
        settled.push_back(refused ? Settled{Settled::Outcome::refused, "a fault"} : Settled{});
      }
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    --at_once;
    ++returned;
    changed.notify_all();
    if (failure) std::rethrow_exception(failure);
    return settled;
  }
  std::size_t lanes() const override { return lanes_; }
  void commit(const Checkpoint&) override {}

  std::function<void(std::span<const Operation>)> during = [](auto) {};  // without a lock
  std::function<bool(const Document&)> refuses = [](const Document&) { return false; };
  std::size_t meet = 0;  // each apply() waits until so many have been under way at once
  std::atomic<std::size_t> lanes_;

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;
  std::size_t returned = 0;
  std::set<std::thread::id> threads;
  std::vector<Batch> batches;  // in the order in which they began
};

std::string path_of(const Operation& operation) {
  return std::visit([](const auto& each) { return each.key.path; }, operation);
}

std::vector<std::string> paths(const std::vector<Batch>& batches) {
  std::vector<std::string> result;
  for (const auto& batch : batches) {
    for (const auto& operation : batch) result.push_back(path_of(operation));
  }
  return result;
}

struct Fixture {
  RunReport report;
  std::size_t given_back = 0;

  void add(Applier& applier, int first, int end) {
    for (int number = first; number < end; ++number) given_back += applier.add(document(number)).size();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "one lane: batches are applied in order on the calling thread") {
  LanedRun run(1);
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 95);
  given_back += applier.flush().size();
  CHECK(run.threads == std::set{std::this_thread::get_id()});
  CHECK(run.batches.size() == 10);
  std::vector<std::string> expected;
  for (int number = 0; number < 95; ++number) expected.push_back("page-" + std::to_string(number) + ".md");
  CHECK(paths(run.batches) == expected);
  CHECK(report.upserted == 95);
  CHECK(given_back == 95);
}

TEST_CASE_FIXTURE(Fixture, "several lanes: as many batches at once as there are lanes, and never more") {
  LanedRun run(3);
  run.meet = 3;
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 1005);
  given_back += applier.flush().size();
  CHECK(run.most_at_once == 3);
  CHECK(run.batches.size() == 101);
  CHECK(run.threads.size() <= 4);
  auto seen = paths(run.batches);
  std::ranges::sort(seen);
  CHECK(seen.size() == 1005);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
  CHECK(report.upserted == 1005);
  CHECK(report.bytes == 100'500);
  CHECK(given_back == 1005);
}

TEST_CASE_FIXTURE(Fixture, "a single batch is applied without a thread, whatever lanes there are") {
  LanedRun run(4);
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 10);
  applier.flush();
  CHECK(run.threads == std::set{std::this_thread::get_id()});
  CHECK(report.upserted == 10);
}

TEST_CASE_FIXTURE(Fixture, "after a barrier what was sent has been applied, and after a flush everything") {
  LanedRun run(4);
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 45);
  applier.barrier();
  CHECK(run.returned == 4);
  CHECK(run.at_once == 0);
  CHECK(report.upserted == 40);
  applier.flush();
  CHECK(run.returned == 5);
  CHECK(report.upserted == 45);
}

TEST_CASE_FIXTURE(Fixture, "what is added after a barrier comes after what was added before, in every batch") {
  LanedRun run(4);
  std::mutex mutex;
  int upserts_left = 95;
  bool out_of_order = false;
  run.during = [&](std::span<const Operation> operations) {
    if (std::holds_alternative<Document>(operations.front()) && std::holds_alternative<Removal>(operations.back())) {
      std::unique_lock lock(run.mutex);  // time for a batch that would overtake this one
      run.changed.wait_for(lock, 100ms, [&] { return run.at_once > 1; });
    }
    const std::lock_guard lock(mutex);
    for (const auto& operation : operations) {
      if (std::holds_alternative<Document>(operation)) --upserts_left;
      if (std::holds_alternative<Removal>(operation) && upserts_left > 0) out_of_order = true;
    }
  };
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 95);
  applier.barrier();
  for (int number = 1000; number < 1095; ++number) applier.add(removal(number));
  applier.flush();
  CHECK_FALSE(out_of_order);
  CHECK(report.upserted == 95);
  CHECK(report.removed == 95);
}

TEST_CASE_FIXTURE(Fixture, "an engine that would be idle gets what there is, a busy one waits for a full batch") {
  LanedRun run(2);
  std::mutex gate;
  run.during = [&](auto) { const std::lock_guard lock(gate); };
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  {
    const std::lock_guard busy(gate);
    add(applier, 0, 3);
    applier.spare();
    add(applier, 3, 6);
    applier.spare();
    add(applier, 6, 9);
    applier.spare();
  }
  applier.flush();
  REQUIRE(run.batches.size() == 2);
  CHECK(std::min(run.batches[0].size(), run.batches[1].size()) == 3);
  CHECK(std::max(run.batches[0].size(), run.batches[1].size()) == 6);
}

TEST_CASE_FIXTURE(Fixture, "the first failure reaches the caller, once the batches beside it have returned") {
  LanedRun run(3);
  run.meet = 3;
  std::mutex mutex;
  std::condition_variable changed;
  bool failed = false;
  bool reported = false;
  std::size_t ended_well = 0;
  run.during = [&](std::span<const Operation> operations) {
    std::unique_lock lock(mutex);
    if (path_of(operations.front()) == "page-10.md") {
      failed = true;
      changed.notify_all();
      throw StalledError("the disk is full");
    }
    changed.wait_for(lock, 20s, [&] { return failed; });
    // An engine takes its time: a batch that came back in no time could be followed by others before the failure is written down.
    changed.wait_for(lock, 100ms, [&] { return reported; });
    ++ended_well;
  };
  std::size_t begun = 0;
  {
    Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
    CHECK_THROWS_WITH_AS(
        {
          add(applier, 0, 10'000);
          applier.flush();
        },
        "the disk is full", StalledError);
    CHECK(run.at_once == 0);
    reported = true;
    begun = run.batches.size();
  }
  CHECK(begun == run.returned);
  CHECK(begun < 10);
  CHECK(ended_well == begun - 1);
}

TEST_CASE_FIXTURE(Fixture, "a failure of the last batch is not lost") {
  LanedRun run(3);
  run.during = [](std::span<const Operation> operations) {
    if (path_of(operations.front()) == "page-20.md") throw TransientError("gone");
  };
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 30);
  CHECK_THROWS_AS(applier.flush(), TransientError);
}

TEST_CASE_FIXTURE(Fixture, "an Applier that goes in mid-run waits for what is under way") {
  LanedRun run(3);
  {
    Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
    add(applier, 0, 31);
  }
  CHECK(run.at_once == 0);
}

TEST_CASE_FIXTURE(Fixture, "a stop ends the run between two batches") {
  LanedRun run(3);
  int batches = 0;
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [&] {
    if (++batches == 5) throw TransientError("stopping");
  });
  CHECK_THROWS_WITH_AS(add(applier, 0, 1000), "stopping", TransientError);
  applier.barrier();
  CHECK(run.batches.size() == 4);
}

TEST_CASE_FIXTURE(Fixture, "refused documents of every lane end in quarantine, and are counted once") {
  LanedRun run(4);
  run.refuses = [](const Document& refused) { return refused.key.path.ends_with("77.md"); };
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 2000);
  applier.flush();
  CHECK(report.upserted == 1980);
  CHECK(report.quarantined == 20);
  CHECK(report.problems.size() == 20);
  std::size_t stubs = 0;
  for (const auto& batch : run.batches) {
    stubs += static_cast<std::size_t>(std::ranges::count_if(batch, [](const auto& each) { return std::holds_alternative<Quarantined>(each); }));
    CHECK(batch.size() <= 40);
  }
  CHECK(stubs == 20);
}

TEST_CASE_FIXTURE(Fixture, "an engine that refuses more than a few percent ends the run, with lanes too") {
  LanedRun run(4);
  run.refuses = [](const Document& refused) { return refused.key.path.ends_with("7.md"); };
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  CHECK_THROWS_AS(
      {
        add(applier, 0, 2000);
        applier.flush();
      },
      StalledError);
}

TEST_CASE_FIXTURE(Fixture, "lanes that become one in mid-run are waited for, then batches go on the calling thread") {
  LanedRun run(4);
  Applier applier(run, {.operations = 10, .bytes = 5 << 20}, report, [] {});
  add(applier, 0, 41);
  run.lanes_ = 1;
  std::atomic<bool> elsewhere = false;
  applier.barrier();
  run.during = [&](auto) {
    if (run.threads.empty() || std::this_thread::get_id() != *run.threads.begin()) elsewhere = true;
  };
  run.threads = {std::this_thread::get_id()};
  run.most_at_once = 0;
  add(applier, 41, 200);
  applier.flush();
  CHECK_FALSE(elsewhere);
  CHECK(run.most_at_once == 1);
  CHECK(report.upserted == 200);
}

TEST_CASE_FIXTURE(Fixture, "the more lanes, the smaller the batches: what is under way at once is bounded") {
  constexpr std::size_t bytes = 100'000;
  for (const std::size_t lanes : {1, 2, 4, 8}) {
    CAPTURE(lanes);
    LanedRun run(lanes);
    RunReport unused;
    Applier applier(run, {.operations = 1000, .bytes = 5 << 20}, unused, [] {});
    for (int number = 0; number < 300; ++number) applier.add(document(number, bytes));
    applier.flush();
    std::size_t largest = 0;
    for (const auto& batch : run.batches) largest = std::max(largest, batch.size());
    CHECK(largest * bytes <= 5 << 20);
    if (lanes > 1) CHECK(largest * bytes * (lanes + 1) <= 5 << 20);
    CHECK(unused.upserted == 300);
  }
}

TEST_CASE("an agent whose engine has several lanes keeps the index level: first index, changes, moves and removals") {
  AgentFixture f;
  auto tree = pages(2000);
  auto commit = f.volume.publish(tree);
  AgentOptions options;
  options.reconciler.batch_operations = 50;
  Agent agent(f.volume, f.file, options);
  agent.engine->faults.lanes = 4;
  std::atomic<int> at_once = 0;
  check_run(agent.run(), Mode::rebuild);
  check_level(agent, f.volume, commit);
  for (int at = 0; at < 700; ++at) {
    auto moved = tree.extract("docs/page-" + std::to_string(1000 + at) + ".md");
    moved.key() = "moved/" + std::to_string(at) + ".md";
    tree.insert(std::move(moved));
  }
  for (int at = 700; at < 1200; ++at) tree.erase("docs/page-" + std::to_string(1000 + at) + ".md");
  commit = f.volume.publish(tree, commit);
  const auto report = agent.run("hint");
  check_run(report, Mode::diff);
  CHECK(report.upserted == 700);
  CHECK(report.removed == 1200);
  check_level(agent, f.volume, commit);

  SUBCASE("a failure in one lane fails the run, and the next one repairs it") {
    for (auto& [path, file] : tree) file.content += "more\n";
    commit = f.volume.publish(tree, commit);
    agent.engine->faults.before_apply = [&] {
      if (++at_once == 3) throw TransientError("the connection broke");
    };
    check_run(agent.run("hint"), Mode::diff, RunReport::Outcome::failed);
    agent.engine->faults.before_apply = [] {};
    CHECK(agent.run("retry").outcome == RunReport::Outcome::succeeded);
    check_level(agent, f.volume, commit);
  }
}
