// A process that is killed at any moment while it publishes, beside a reader that never stops.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <random>
#include <thread>

#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

constexpr int files = 40;

// Every file of a revision names it, so that a mixed tree shows itself. One file is the same in all.
Tree revision_tree(int number) {
  Tree tree;
  for (int i = 0; i < files; ++i) tree["folder-" + std::to_string(i % 5) + "/" + std::to_string(i)] = {"100644", "revision " + std::to_string(number)};
  tree["constant"] = {"100644", "constant"};
  return tree;
}

// What a consumer does: takes the link's target once, then reads below it. A tree that was replaced meanwhile may be gone; one that is still live must be whole.
std::string fault_seen(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (error) return "no link";
  const fs::path tree = link.parent_path() / target;
  std::string fault;
  std::string revision;
  for (int i = 0; i < files && fault.empty(); ++i) {
    const std::string content = read_file(tree / ("folder-" + std::to_string(i % 5)) / std::to_string(i));
    if (i == 0) revision = content;
    if (content.empty()) fault = "a file is missing";
    if (content != revision) fault = "a mixed tree";
  }
  if (read_file(tree / "constant") != "constant") fault = "the constant file is missing";
  if (!fault.empty() && fs::read_symlink(link, error) != target) return "";  // replaced while it was read
  return fault;
}

}  // namespace

TEST_CASE_FIXTURE(PublishedRoot, "killed at random moments while it publishes, the link always names a whole tree") {
  std::vector<std::string> commits;
  for (int i = 0; i < 6; ++i) commits.push_back(git.commit(revision_tree(i), "refs/heads/b" + std::to_string(i)));
  {
    auto publisher = this->publisher();
    publish(publisher, commits[0]);
  }
  std::atomic<bool> done = false;
  std::atomic<int> reads = 0;
  std::atomic<bool> is_faulty = false;
  std::string fault;
  std::thread reader([&] {
    while (!done && !is_faulty) {
      fault = fault_seen(link());
      is_faulty = !fault.empty();
      ++reads;
    }
  });
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        auto publisher = this->publisher();
        git::ObjectStore objects(root / ".git");
        for (std::size_t i = static_cast<std::size_t>(round);; ++i) {
          publisher.publish(objects, objects.revision(*git::Oid::parse(commits[i % commits.size()])), {});
          publisher.clean({});
        }
      } catch (...) {
        ::_exit(1);
      }
    }
    const int moment = reads + std::uniform_int_distribution<int>(1, 40)(random);
    while (reads < moment && !is_faulty) std::this_thread::yield();
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));  // it did not fail by itself
  }
  done = true;
  reader.join();
  CHECK(fault == "");
  auto publisher = this->publisher();
  publish(publisher, commits[3]);
  publisher.clean_and_wait({});
  CHECK(files_below(live()) == revision_tree(3));
  CHECK(git_in_link({"status", "--porcelain"}) == "");
  CHECK(std::distance(fs::directory_iterator(root / ".worktrees"), fs::directory_iterator()) == 1);
}

TEST_CASE_FIXTURE(PublishedRoot, "killed at random moments while it repairs the live tree, every file that was not damaged is there") {
  Tree tree = revision_tree(0);
  tree["damaged"] = {"100644", "whole"};
  const std::string commit = git.commit(tree);
  {
    auto publisher = this->publisher();
    publish(publisher, commit);
  }
  std::mt19937 random(12);
  std::string fault;
  for (int round = 0; round < 30 && fault.empty(); ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        auto publisher = this->publisher();
        git::ObjectStore objects(root / ".git");
        while (true) {
          fs::remove(live() / "damaged");
          publisher.publish(objects, objects.revision(*git::Oid::parse(commit)), {});
          publisher.clean({});
        }
      } catch (...) {
        ::_exit(1);
      }
    }
    for (int reads = std::uniform_int_distribution<int>(1, 20)(random); reads > 0 && fault.empty(); --reads) fault = fault_seen(link());
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    if (fault.empty()) fault = fault_seen(link());
  }
  CHECK(fault == "");
  auto publisher = this->publisher();
  publish(publisher, commit);
  publisher.clean_and_wait({});
  CHECK(files_below(live()) == tree);
  CHECK(git_in_link({"status", "--porcelain"}) == "");
}
