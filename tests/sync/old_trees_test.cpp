// Old trees that stay for a while: by time and by number, across restarts, and not at the price of the next revision.
#include "sync/publish/old_trees.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <thread>

#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;
using sync::Publisher;
using sync::Retention;
namespace fs = std::filesystem;

namespace {

struct Fixture : PublishedRoot {
  int number = 0;

  std::string push(Publisher& publisher) {
    const std::string commit = git.commit({{"file", {"100644", std::to_string(++number)}}, {"other", {"100644", "other"}}});
    publish(publisher, commit);
    publisher.clean_and_wait({});
    return commit;
  }
  Publisher keeping(std::optional<std::chrono::milliseconds> time, std::optional<std::size_t> count = {}) {
    return publisher(sync::TreeSettings{.retention = {time, count}});
  }
  std::set<std::string> names(const fs::path& folder) const {
    std::set<std::string> result;
    for (const auto& entry : fs::directory_iterator(root / folder)) result.insert(entry.path().filename());
    return result;
  }
  void set_age(const std::string& commit, std::chrono::milliseconds age) const {
    fs::last_write_time(root / ".worktrees" / commit, fs::file_time_type::clock::now() - age);
  }
  // The trees, each with what git needs to work there.
  void check_left(const std::set<std::string>& commits) const {
    CHECK(names(".worktrees") == commits);
    CHECK(names(".git/worktrees") == commits);
  }
};
using Names = std::set<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an old tree stays for its time after it was replaced, and git works in it") {
  Publisher publisher = keeping(1h);
  const std::string first = push(publisher);
  set_age(first, 2h);  // it was live for long: that does not count
  const std::string second = push(publisher);
  check_left({first, second});
  CHECK_FALSE(publisher.has_expired());
  CHECK(run({"git", "-C", (root / ".worktrees" / first).string(), "status", "--porcelain"}, {}, GitRepository::environment()) == "");
  CHECK(read_file(root / ".worktrees" / first / "file") == "1");
  SUBCASE("across restarts: what is over goes, what is not stays") {
    const std::string third = push(publisher);
    set_age(first, 61min);
    set_age(second, 59min);
    Publisher next = keeping(1h);
    next.clean_and_wait({});
    check_left({second, third});
  }
  SUBCASE("a shorter time after a restart counts at once") {
    Publisher next = keeping(0s);
    next.clean_and_wait({});
    check_left({second});
  }
  SUBCASE("a clock that was set back does not keep it for ever") {
    set_age(first, -100h);
    publisher.clean_and_wait({});
    check_left({first, second});
    CHECK(fs::last_write_time(root / ".worktrees" / first) <= fs::file_time_type::clock::now());
  }
}

TEST_CASE_FIXTURE(Fixture, "an old tree goes when its time is over, without a new revision") {
  Publisher publisher = keeping(200ms);
  const std::string first = push(publisher);
  const std::string second = push(publisher);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (names(".worktrees") != Names{second} && std::chrono::steady_clock::now() < deadline) {
    if (publisher.has_expired()) publisher.clean_and_wait({});
    std::this_thread::yield();
  }
  check_left({second});
  CHECK_FALSE(publisher.has_expired());
}

TEST_CASE_FIXTURE(Fixture, "only so many old trees stay: those that were live last") {
  Publisher publisher = keeping(std::nullopt, 2);
  std::vector<std::string> commits;
  for (int i = 0; i < 5; ++i) commits.push_back(push(publisher));
  check_left({commits[2], commits[3], commits[4]});
  CHECK_FALSE(publisher.has_expired());
  SUBCASE("and no longer than their time") {
    set_age(commits[2], 2h);
    Publisher next = keeping(1h, 2);
    next.clean_and_wait({});
    check_left({commits[3], commits[4]});
  }
  SUBCASE("a held one does not count") {
    publisher.hold({commits[2]});
    const std::string last = push(publisher);
    check_left({commits[2], commits[3], commits[4], last});
  }
}

TEST_CASE_FIXTURE(Fixture, "by default no old tree stays") {
  for (const Retention retention : {Retention{}, Retention{1h, 0}, Retention{0s, 5}}) {
    Publisher publisher = this->publisher(sync::TreeSettings{.retention = retention});
    push(publisher);
    const std::string second = push(publisher);
    check_left({second});
  }
}

TEST_CASE_FIXTURE(Fixture, "what is no whole tree goes at once") {
  Publisher publisher = keeping(1h);
  const std::string first = push(publisher);
  const std::string second = push(publisher);
  fs::create_directories(root / ".worktrees" / std::string(40, 'a') / "below");
  write_file(root / ".worktrees" / std::string(40, 'b'), "x");
  fs::create_directories(root / ".worktrees/not_a_hash");
  fs::create_directories(root / ".git/worktrees" / std::string(40, 'c'));
  publisher.clean_and_wait({});
  check_left({first, second});
}

TEST_CASE_FIXTURE(Fixture, "when space is short the old trees go, and what is held stays") {
  Publisher publisher = keeping(1h);
  const std::string first = push(publisher);
  const std::string second = push(publisher);
  const std::string third = push(publisher);
  publisher.hold({first});
  publisher.clean_and_wait({}, sync::Space::is_short);
  check_left({first, third});
}
