// A repository that is cloned again: beside the old one, which readers keep until the new one is whole.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <random>

#include "sync/fetch_fixture.hpp"
#include "sync/published_root.hpp"
#include "sync/synchronizer.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
using tidemark::git::ObjectStore;
using tidemark::git::Oid;
namespace fs = std::filesystem;

namespace {

const Tree some_tree = {{"a", {"100644", "1"}}, {"b/c", {"100644", "2"}}};

// Every file of the commit can be read from the objects alone, as tidemark-ingest does it.
bool is_readable(const fs::path& git_directory, const std::string& commit) {
  try {
    const ObjectStore store(git_directory);
    std::size_t files = 0;
    tidemark::git::walk_tree(store, store.revision(*Oid::parse(commit)).tree, {}, [&](std::string_view, const tidemark::git::Entry& entry) {
      store.read_blob(entry.oid, [&](std::string_view) { ++files; });
      return true;
    });
    return files == some_tree.size();
  } catch (const tidemark::git::Error&) {
    return false;
  }
}

// A child process that runs `work` until it is killed, or the work throws.
class Child {
 public:
  explicit Child(const std::function<void()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    try {
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  // Whether it was still at work.
  bool kill() const {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFSIGNALED(status);
  }

 private:
  pid_t pid_;
};

struct Damaged : FetchFixture {
  std::string head = git.commit(some_tree);
  fs::path repository_folder = root() / ".git";
  fs::path record = repository_folder / "worktrees" / head / "HEAD";

  Damaged() {
    use(git.path().string());
    fetched();
    repository->keep(*Oid::parse(head), 10);
    fs::create_directories(record.parent_path());
    write_file(record, head + "\n");
  }
  void damage() const { fs::remove(repository_folder / "HEAD"); }  // git does not take it for a repository any more
  std::vector<std::string> in_root() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root())) names.push_back(entry.path().filename());
    return names;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Damaged, "readers keep a damaged repository with what is good in it until its replacement is whole") {
  damage();
  fs::rename(git.path(), directory / "away");
  use(git.path().string());
  CHECK(repository->is_being_replaced());
  CHECK(failure() != "");
  CHECK(is_readable(repository_folder, head));
  CHECK(fs::exists(record));
  fs::rename(directory / "away", git.path());
  CHECK(fetched() == head);
  CHECK_FALSE(repository->is_being_replaced());
  CHECK(is_readable(repository_folder, head));
  CHECK(read_file(record) == head + "\n");
  CHECK(run_any({"git", "-C", root().string(), "fsck"}, {}, GitRepository::environment()).status == 0);
  repository->keep(*Oid::parse(head), 10);
  CHECK(in_root() == std::vector<std::string>{".git"});
}

TEST_CASE_FIXTURE(Damaged, "what was replaced goes with the fetch that replaces it, and an earlier try to do so with the next try") {
  damage();
  fs::rename(git.path(), directory / "away");
  for (int process = 0; process < 3; ++process) {
    use(git.path().string());
    CHECK(failure() != "");
    CHECK(repository->is_being_replaced());
    CHECK(in_root().size() == 2);  // the damaged one, and what is to replace it
  }
  CHECK(is_readable(repository_folder, head));
  fs::rename(directory / "away", git.path());
  CHECK(fetched() == head);
  CHECK(in_root() == std::vector<std::string>{".git"});
  CHECK(is_readable(repository_folder, head));
}

TEST_CASE_FIXTURE(Damaged, "killed at random moments while it clones again, its readers miss nothing, and the next process completes it") {
  repository.reset();
  fetcher.reset();
  network.reset();
  std::mt19937 random(5);
  for (int round = 0; round < 30; ++round) {
    const Child cloner([&] {
      while (true) {
        damage();
        use(git.path().string());
        fetched();
        repository->keep(*Oid::parse(head), 10);
      }
    });
    for (auto reads = 1 + random() % 60; reads > 0; --reads) CHECK(is_readable(repository_folder, head));
    REQUIRE(cloner.kill());
    CHECK(is_readable(repository_folder, head));
    use(git.path().string());
    CHECK(fetched() == head);
    repository->keep(*Oid::parse(head), 10);
    CHECK(is_readable(repository_folder, head));
    CHECK(read_file(record) == head + "\n");
    CHECK(in_root() == std::vector<std::string>{".git"});
  }
}

TEST_CASE_FIXTURE(Damaged, "without a way to exchange two names, a process that is killed between the renames leaves what the next one heals") {
  repository.reset();
  fs::rename(repository_folder, root() / ".git.damaged-1");
  fs::copy(git.path(), root() / ".git.damaged-2", fs::copy_options::recursive);
  use(git.path().string());
  CHECK(fetched() == head);
  repository->keep(*Oid::parse(head), 10);
  CHECK(is_readable(repository_folder, head));
  CHECK(in_root() == std::vector<std::string>{".git"});
}

namespace {

struct Followed {
  tidemark::git::Library library;
  TemporaryDirectory directory;
  GitRepository remote{directory / "remote.git"};
  GitRepository other{directory / "other.git"};
  fs::path root = directory / "root";
  SyncSettings settings;
  tidemark::Wakeup wakeup;
  tidemark::Metrics metrics;
  tidemark::Log log{tidemark::LogFormat::text, tidemark::LogLevel::error};
  std::unique_ptr<Synchronizer> synchronizer;

  void start(const std::string& url) {
    synchronizer.reset();
    settings.repo = url;
    settings.root = root.string();
    settings.link = "link";
    synchronizer = std::make_unique<Synchronizer>(settings, wakeup, metrics, log);
  }
  std::string live() const { return fs::read_symlink(root / "link").filename(); }
  // As a disk that lies would leave the commit.
  void damage(const std::string& commit) const {
    const fs::path file = root / ".git/objects" / commit.substr(0, 2) / commit.substr(2);
    fs::create_directories(file.parent_path());
    fs::remove(file);  // it may be a hard link to the remote's
    write_file(file, "x");
  }
  std::ptrdiff_t replaced() const {
    const auto is_aside = [](const fs::directory_entry& entry) { return entry.path().filename().string().starts_with(".git."); };
    return std::count_if(fs::directory_iterator(root), fs::directory_iterator(), is_aside);
  }
  void check_live(const std::string& commit) const {
    CHECK(live() == commit);
    CHECK(files_below(root / "link") == some_tree);
    CHECK(is_readable(root / ".git", commit));
    CHECK(trimmed(run({"git", "-C", (root / "link").string(), "status", "--porcelain"}, {}, GitRepository::environment())) == "");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Followed, "another URL, or another repository behind the same one: the live tree stays until the new one is there") {
  const std::string first = remote.commit(some_tree);
  start(remote.url());
  synchronizer->sync_once({});
  check_live(first);
  const std::string second = other.commit(some_tree, "refs/heads/main", other.commit({{"unrelated", {}}}));
  SUBCASE("another URL") {
    fs::rename(other.path(), directory / "away");
    start(other.url());
    CHECK_THROWS_AS(synchronizer->sync_once({}), tidemark::TransientError);
    check_live(first);
    fs::rename(directory / "away", other.path());
  }
  SUBCASE("another repository behind it") {
    fs::rename(remote.path(), directory / "away");
    CHECK_THROWS_AS(synchronizer->sync_once({}), tidemark::TransientError);
    check_live(first);
    fs::rename(other.path(), remote.path());
  }
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  check_live(second);
  CHECK(is_readable(root / ".git", first));
}

TEST_CASE_FIXTURE(Followed, "objects that turn out to be damaged while the remote is away leave the live tree and what is good of its objects") {
  const std::string first = remote.commit(some_tree);
  start(remote.url());
  synchronizer->sync_once({});
  const std::string second = remote.commit({{"a", {"100644", "3"}}, {"b/c", {"100644", "2"}}}, "refs/heads/main", first);
  damage(second);
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(live() == second);
  CHECK(is_readable(root / ".git", second));
  CHECK(is_readable(root / ".git", first));
  CHECK(trimmed(run({"git", "-C", root.string(), "fsck", "--no-dangling"}, {}, GitRepository::environment())) == "");
}

TEST_CASE_FIXTURE(Followed, "a damaged repository is removed in the pass that replaced it, also when that one publishes nothing") {
  const std::string first = remote.commit(some_tree);
  start(remote.url());
  synchronizer->sync_once({});
  const std::string second = remote.commit({{"a", {"100644", "3"}}, {"b/c", {"100644", "2"}}}, "refs/heads/main", first);
  damage(second);
  fs::remove(root / "link");
  fs::create_directory(root / "link");
  CHECK_THROWS_AS(synchronizer->sync_once({}), tidemark::TransientError);
  CHECK(is_readable(root / ".git", second));
  CHECK(replaced() == 0);
  fs::remove(root / "link");
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(live() == second);
}

TEST_CASE_FIXTURE(Followed,
                  "objects that are damaged again after they were fetched anew are fetched anew again, also for the same state of the remote") {
  const std::string commit = remote.commit(some_tree);
  start(remote.url());
  synchronizer->sync_once({});
  for (int time = 0; time < 3; ++time) {
    damage(commit);
    fs::remove(root / "link");
    CHECK_FALSE(is_readable(root / ".git", commit));
    CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
    check_live(commit);
    CHECK(replaced() == 0);
  }
}
