// A full disk, by a small tmpfs of its own.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "daemon/error.hpp"
#include "sync/published_root.hpp"
#include "sync/small_disk.hpp"

using namespace tidemark;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

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
