#include "sync/repository/repository.hpp"

#include <atomic>
#include <thread>

#include "sync/fetch_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
using tidemark::git::ObjectStore;
using tidemark::git::Oid;
namespace fs = std::filesystem;
using Fixture = FetchFixture;

namespace {

std::size_t packs_in(const fs::path& git_directory) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(git_directory / "objects" / "pack")) count += entry.path().extension() == ".pack";
  return count;
}

void write(const fs::path& file, const std::string& text = "x") {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::trunc) << text;
}

std::string git_in(const fs::path& root, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"git", "-C", root.string()});
  return trimmed(run(arguments, {}, GitRepository::environment()));
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a repository that git can use is made where there is none, with nothing checked out") {
  use("https://user:secret@example.com/x.git");
  CHECK(git_in(root(), {"rev-parse", "--is-bare-repository"}) == "false");
  CHECK(git_in(root(), {"remote", "get-url", "origin"}) == "https://example.com/x.git");
  CHECK(git_in(root(), {"fsck"}).empty());
  use("https://example.com/y.git");
  CHECK(git_in(root(), {"remote", "get-url", "origin"}) == "https://example.com/y.git");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root())) names.push_back(entry.path().filename().string());
  CHECK(names == std::vector<std::string>{".git"});
}

TEST_CASE_FIXTURE(Fixture, "a damaged repository is set aside with the published trees untouched, and is cloned again") {
  const std::string head = git.commit({{"a", {"100644", "1"}}});
  for (const char* damage : {"HEAD", "objects", "config", "everything"}) {
    CAPTURE(damage);
    use(git.path().string());
    CHECK(fetched() == head);
    write(root() / ".worktrees" / head / "a", "published");
    repository.reset();
    fetcher.reset();
    if (std::string(damage) == "everything") {
      fs::remove_all(root() / ".git");
      write(root() / ".git", "a file");
    } else if (std::string(damage) == "config") {
      write(root() / ".git" / "config", "[[[ not a config");
    } else {
      fs::remove_all(root() / ".git" / damage);
    }
    use(git.path().string());
    CHECK(fetched() == head);
    CHECK(fs::exists(root() / ".worktrees" / head / "a"));
    repository->keep(*Oid::parse(head), 10);
    for (const auto& entry : fs::directory_iterator(root())) CHECK_FALSE(entry.path().filename().string().starts_with(".git.damaged"));
  }
}

TEST_CASE_FIXTURE(Fixture, "what a killed process left is removed at the start") {
  const std::string head = git.commit({{"a", {"100644", "1"}}});
  use(git.path().string());
  fetched();
  const fs::path directory_of_git = root() / ".git";
  const std::vector<fs::path> leftovers = {"shallow.lock",           "HEAD.lock",
                                           "config.lock",            "refs/tidemark/fetched.lock",
                                           "packed-refs.lock",       "objects/pack/pack_git2_a1b2c3",
                                           "objects/pack/tmp_pack_x", "objects/pack/.tmp-1-pack-x.pack",
                                           "objects/ab/tmp_obj_x",   "objects/pack/pack-0123456789012345678901234567890123456789.idx"};
  for (const auto& name : leftovers) write(directory_of_git / name);
  use(git.path().string());
  for (const auto& name : leftovers) {
    CAPTURE(name.string());
    CHECK_FALSE(fs::exists(directory_of_git / name));
  }
  const std::string next = git.commit({{"a", {"100644", "2"}}}, "refs/heads/main", head);
  CHECK(fetched() == next);
  repository->keep(*Oid::parse(next), 1);
}

TEST_CASE_FIXTURE(Fixture, "the newest published commits stay reachable, and HEAD is the last one") {
  use(git.path().string());
  std::vector<std::string> commits;
  for (int i = 0; i < 4; ++i) {
    commits.push_back(git.commit({{"a", {"100644", std::to_string(i)}}}));
    CHECK(fetched() == commits.back());
    repository->keep(*Oid::parse(commits.back()), 2);
    CHECK(git_in(root(), {"rev-parse", "HEAD"}) == commits.back());
  }
  const std::string kept = git_in(root(), {"for-each-ref", "--format=%(objectname)", "refs/tidemark/revisions"});
  CHECK(kept == std::min(commits[2], commits[3]) + "\n" + std::max(commits[2], commits[3]));
  repository->keep(*Oid::parse(commits[2]), 1);
  CHECK(git_in(root(), {"for-each-ref", "--format=%(objectname)", "refs/tidemark/revisions"}) == commits[2]);
}

TEST_CASE_FIXTURE(Fixture, "many fetches leave few packs, and a reader finds every object all the time") {
  const GitDaemon server(served);
  std::string head = git.commit({{"a", {"100644", "0"}}, {"b/c", {"100644", "same"}}});
  const std::string first = head;
  use(server.url("r.git"));
  CHECK(fetched() == head);
  repository->keep(*Oid::parse(first), 1);  // it is in no shallow history of the later ones
  std::atomic<bool> ended = false;
  std::atomic<int> walks = 0;
  std::string failed;
  const auto read = [&] {
    ObjectStore store(root() / ".git");
    int files = 0;
    tidemark::git::walk_tree(store, store.revision(*Oid::parse(first)).tree, {}, [&](std::string_view, const tidemark::git::Entry& entry) {
      store.read_blob(entry.oid, [&](std::string_view) { ++files; });
      return true;
    });
    if (files != 2) throw std::runtime_error("files are missing");
    ++walks;
  };
  std::thread reader([&] {
    try {
      while (!ended) read();
    } catch (const std::exception& error) {
      failed = error.what();
    }
  });
  for (int i = 1; i <= 60; ++i) {
    head = git.commit({{"a", {"100644", std::to_string(i)}}, {"b/c", {"100644", "same"}}}, "refs/heads/main", head);
    CHECK(fetched() == head);
    repository->consolidate_packs(8);
    CHECK(packs_in(root() / ".git") < 10);
  }
  ended = true;
  reader.join();
  CHECK(failed == "");
  CHECK(walks > 0);
  check_complete(head);
  check_complete(first);
  CHECK(run_any({"git", "-C", root().string(), "fsck", "--full", head}, {}, GitRepository::environment()).status == 0);
}

TEST_CASE_FIXTURE(Fixture, "a root that can't be made is one clear sentence") {
  write(directory / "root", "a file");
  CHECK_THROWS_WITH_AS(use(git.path().string()), doctest::Contains("--root has to be a folder"), tidemark::TransientError);
}
