// A full disk, by a small tmpfs of its own.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

#include "daemon/error.hpp"
#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

constexpr int not_permitted = 77;

// Without root's rights on the host, as in a container, these are enough to mount (user_namespaces(7)).
bool become_root_of_a_user_namespace() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  const auto put = [](const char* file, const std::string& text) { return static_cast<bool>(std::ofstream(file) << text << std::flush); };
  return put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
         put("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

// Runs `body` in a child process, where `at` is a tmpfs of 8 MiB; gives its exit code.
int with_small_disk(const fs::path& at, const std::function<int()>& body) {
  fs::create_directory(at);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_isolated = ::unshare(CLONE_NEWNS) == 0 || become_root_of_a_user_namespace();
    if (!is_isolated || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=8m") != 0) ::_exit(not_permitted);
    int code = 1;
    try {
      code = body();
    } catch (const std::exception& error) {
      MESSAGE(error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// Content that takes much room in a checkout and none in the repository.
Tree of_megabytes(int megabytes, char letter) {
  Tree tree;
  for (int i = 0; i < megabytes; ++i) tree["file-" + std::to_string(i)] = {"100644", std::string(1024 * 1024, letter)};
  return tree;
}

struct SmallDisk {
  fs::path root;
  GitRepository git{root / ".git"};
  Log log{LogFormat::text, LogLevel::error};
  git::ObjectStore store{root / ".git"};
  sync::TreeSettings settings = {};
  sync::Publisher publisher{root, "link", settings, log};

  bool publish(const std::string& commit) {
    store.refresh();
    try {
      publisher.publish(store, store.revision(*git::Oid::parse(commit)), {});
      return true;
    } catch (const TransientError& error) {
      if (std::string(error.what()).find("free space") == std::string::npos) throw;
      return false;
    }
  }
  bool shows(const Tree& tree) { return files_below(fs::canonical(root / "link")) == tree; }
  std::ptrdiff_t trees() const { return std::distance(fs::directory_iterator(root / ".worktrees"), fs::directory_iterator()); }
};

#define EXPECT(condition) \
  if (!(condition)) throw std::runtime_error("not so: " #condition)

void check_passed(int code) {
  // An image's build forbids mounts and says so (Dockerfile); elsewhere continuous integration has to be able to.
  const auto is_set = [](const char* name) { return std::getenv(name) != nullptr && std::string_view(std::getenv(name)) == "true"; };
  if (code == not_permitted && (is_set("TIDEMARK_NO_MOUNTS") || !is_set("CI"))) {
    MESSAGE("not tested: mounting a tmpfs is not permitted here");
    return;
  }
  REQUIRE_MESSAGE(code != not_permitted, "mounting a tmpfs is not permitted here, which a test needs under CI=true");
  CHECK(code == 0);
}

}  // namespace

TEST_CASE("a full disk: the live tree stays, nothing partial stays, and publishing goes on when there is room again") {
  const git::Library library;
  const TemporaryDirectory directory;
  const int code = with_small_disk(directory / "disk", [&] {
    ::umask(0022);
    SmallDisk disk{directory / "disk"};
    const Tree three = of_megabytes(3, 'a');
    const Tree six = of_megabytes(6, 'b');
    const Tree two = of_megabytes(2, 'c');
    EXPECT(disk.publish(disk.git.commit(three)));
    const std::string large = disk.git.commit(six);
    EXPECT(!disk.publish(large));
    EXPECT(disk.shows(three));
    EXPECT(disk.trees() == 1);
    // Upstream shrinks.
    EXPECT(disk.publish(disk.git.commit(two)));
    EXPECT(disk.shows(two));
    disk.publisher.clean_and_wait({});
    // Room returns.
    write_file(disk.root / "ballast", std::string(1024 * 1024, 'x'));
    EXPECT(!disk.publish(large));
    EXPECT(disk.shows(two));
    fs::remove(disk.root / "ballast");
    fs::remove_all(disk.root / ".git/worktrees");  // so that nothing is shared
    disk.publisher.clean_and_wait({});
    EXPECT(disk.publish(disk.git.commit(of_megabytes(5, 'd'))));
    EXPECT(disk.shows(of_megabytes(5, 'd')));
    return 0;
  });
  check_passed(code);
}

TEST_CASE("a disk that old trees fill up: they go before their time when the next revision needs the room") {
  const git::Library library;
  const TemporaryDirectory directory;
  const int code = with_small_disk(directory / "disk", [&] {
    ::umask(0022);
    SmallDisk disk{.root = directory / "disk", .settings = {.retention = {std::chrono::hours(1), std::nullopt}}};
    EXPECT(disk.publish(disk.git.commit(of_megabytes(2, 'a'))));
    disk.publisher.clean_and_wait({});
    disk.publisher.make_room({});
    EXPECT(disk.publish(disk.git.commit(of_megabytes(2, 'b'))));
    disk.publisher.clean_and_wait({});
    disk.publisher.make_room({});
    EXPECT(disk.trees() == 2);  // there is room enough for one more
    EXPECT(disk.publish(disk.git.commit(of_megabytes(2, 'c'))));
    disk.publisher.clean_and_wait({});
    EXPECT(disk.trees() == 3);
    disk.publisher.make_room({});
    EXPECT(disk.trees() == 1);
    EXPECT(disk.publish(disk.git.commit(of_megabytes(2, 'd'))));
    EXPECT(disk.shows(of_megabytes(2, 'd')));
    return 0;
  });
  check_passed(code);
}
