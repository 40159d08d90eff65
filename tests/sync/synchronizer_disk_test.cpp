// Whole passes on a full disk: what fails for want of room is done by a later pass, without a restart.
#include <doctest/doctest.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <system_error>

#include "daemon/error.hpp"
#include "sync/publish/files.hpp"
#include "sync/published_root.hpp"
#include "sync/servers.hpp"
#include "sync/small_disk.hpp"
#include "sync/synchronizer.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;
using sync::Synchronizer;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

// What can't be compressed.
std::string noise(std::size_t bytes) {
  std::mt19937 random(7);
  std::string text(bytes, '\0');
  std::ranges::generate(text, [&] { return static_cast<char>(random() >> 24); });
  return text;
}

// A served repository, made on the disk that has room.
struct Served {
  git::Library library;
  TemporaryDirectory directory;
  GitRepository remote = [this] {
    fs::create_directory(directory / "served");
    return GitRepository(directory / "served/r.git");
  }();
  GitHttpServer server{directory / "served"};
  fs::path root = directory / "root";
};

// To be made where the root is the small disk.
struct Follower {
  const fs::path root;
  sync::SyncSettings settings;
  Wakeup wakeup;
  Metrics metrics;
  Log log{LogFormat::text, LogLevel::error};
  std::unique_ptr<Synchronizer> synchronizer;

  Follower(const fs::path& disk, const std::string& url) : root(disk) {
    ::umask(0022);
    settings.repo = url;
    settings.root = root.string();
    settings.link = "link";
    settings.stale_timeout = 1h;
    settings.depth = 0;  // the history, too, where libgit2 could do without
    restart();
  }
  void restart() {
    synchronizer.reset();
    synchronizer = std::make_unique<Synchronizer>(settings, wakeup, metrics, log);
  }
  bool publishes() { return synchronizer->sync_once({}) == Synchronizer::Outcome::published; }
  // Why a pass fails, or "".
  std::string failure() {
    try {
      synchronizer->sync_once({});
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  bool shows(const Tree& tree) const { return files_below(fs::canonical(root / "link")) == tree; }
  bool has_tree(const std::string& commit) const { return fs::exists(root / ".worktrees" / commit); }
  std::uint64_t free_bytes() const {
    struct statvfs volume{};
    ::statvfs(root.c_str(), &volume);
    return std::uint64_t{volume.f_bavail} * volume.f_frsize;
  }
};

// In the system's words, which is all that libgit2 gives of a reason.
bool tells_of_a_full_disk(const std::string& failure) { return failure.find(std::generic_category().message(ENOSPC)) != std::string::npos; }

}  // namespace

TEST_CASE_FIXTURE(Served, "a pack for which libgit2 finds no room: the next pass removes old trees before their time and fetches it") {
  const int code = with_small_disk(root, [&] {
    Follower follower(root, server.url("r.git"));
    const Tree two = of_megabytes(2, 'b');
    const std::string first = remote.commit(of_megabytes(2, 'a'));
    EXPECT(follower.publishes());
    const std::string second = remote.commit(two, "refs/heads/main", first);
    EXPECT(follower.publishes());
    EXPECT(follower.has_tree(first));
    // Room enough for one more tree like the live one, and not for what the history has of a file that is gone again.
    const std::string large = noise(follower.free_bytes() + mebibyte);
    const Tree page = {{"page", {"100644", "page"}}};
    const std::string third = remote.commit(page, "refs/heads/main", remote.commit({{"large", {"100644", large}}}, "refs/heads/main", second));
    bool is_told_by_libgit2 = false;
    try {
      follower.synchronizer->sync_once({});
    } catch (const sync::NoSpace&) {
    } catch (const TransientError& error) {
      is_told_by_libgit2 = tells_of_a_full_disk(error.what());
    }
    EXPECT(is_told_by_libgit2);
    EXPECT(follower.shows(two));
    EXPECT(follower.has_tree(first));
    EXPECT(follower.publishes());
    EXPECT(follower.shows(page));
    EXPECT(!follower.has_tree(first));
    EXPECT(follower.has_tree(third));
    return 0;
  });
  check_passed(code);
}

TEST_CASE_FIXTURE(Served, "a repair of the live tree for which there is no room: the next pass removes old trees before their time and repairs it") {
  const int code = with_small_disk(root, [&] {
    Follower follower(root, server.url("r.git"));
    const Tree live = {{"file", {"100644", std::string(3 * mebibyte, 'b')}}};
    const std::string first = remote.commit(of_megabytes(3, 'a'));
    EXPECT(follower.publishes());
    remote.commit(live, "refs/heads/main", first);
    EXPECT(follower.publishes());
    EXPECT(follower.has_tree(first));
    write_file(follower.root / "link/file", std::string(3 * mebibyte, 'x'));
    follower.restart();  // a new process looks at what is live
    EXPECT(tells_of_a_full_disk(follower.failure()));
    EXPECT(follower.has_tree(first));
    EXPECT(follower.publishes());
    EXPECT(follower.shows(live));
    EXPECT(!follower.has_tree(first));
    return 0;
  });
  check_passed(code);
}

TEST_CASE_FIXTURE(Served, "a damaged repository that can't be replaced while the disk is full is replaced once there is room") {
  const int code = with_small_disk(root, [&] {
    Follower follower(root, server.url("r.git"));
    const Tree tree = of_megabytes(1, 'a');
    const std::string commit = remote.commit(tree);
    EXPECT(follower.publishes());
    fs::remove_all(root / ".git/objects");
    fs::create_directories(root / ".git/objects/pack");
    write_file(root / "ballast", std::string(8 * mebibyte, 'x'));
    EXPECT(follower.free_bytes() == 0);
    follower.restart();  // a new process looks at what is live
    for (int i = 0; i < 2; ++i) EXPECT(tells_of_a_full_disk(follower.failure()));
    EXPECT(follower.shows(tree));
    fs::remove(root / "ballast");
    EXPECT(follower.failure().empty());
    EXPECT(follower.shows(tree));
    EXPECT(trimmed(run({"git", "-C", root.string(), "cat-file", "commit", commit}, {}, GitRepository::environment())).starts_with("tree "));
    return 0;
  });
  check_passed(code);
}
