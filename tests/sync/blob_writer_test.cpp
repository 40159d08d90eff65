// Files that are written on several threads: what git would check out, and an orderly end when one of them can't be read.
#include "sync/publish/blob_writer.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "git/error.hpp"
#include "published_root.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

// More than is written at once, in more folders than are held open, with large ones among them.
Tree many_files() {
  Tree tree;
  for (int number = 0; number < 3000; ++number) {
    const std::string path = "folder-" + std::to_string(number % 400) + "/file-" + std::to_string(number);
    const std::string text = "content of " + std::to_string(number) + "\n";
    if (number % 50 == 7)
      tree[path] = {"120000", "../folder-1/file-" + std::to_string(number)};
    else
      tree[path] = {number % 9 == 0 ? "100755" : "100644", number % 500 == 3 ? text + std::string(1'500'000 + number, 'x') : text};
  }
  return tree;
}

std::ptrdiff_t threads() { return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator()); }

}  // namespace

TEST_CASE_FIXTURE(PublishedRoot, "many files are what git would check out, in a record in which git finds nothing changed") {
  const auto tree = many_files();
  auto publisher = this->publisher();
  const auto counts = publish(publisher, git.commit(tree));
  REQUIRE(counts);
  CHECK(counts->written == 3000);
  CHECK(files_below(live()) == tree);
  CHECK(git_in_link({"status", "--porcelain"}).empty());

  auto next = tree;
  for (auto& [path, file] : next)
    if (path.ends_with('5') && file.mode != "120000") file.content += "changed\n";
  const auto changed = publish(publisher, git.commit(next));
  REQUIRE(changed);
  CHECK(changed->written + changed->linked == 3000);
  CHECK(changed->written > 250);
  CHECK(files_below(live()) == next);
  CHECK(git_in_link({"status", "--porcelain"}).empty());
}

TEST_CASE_FIXTURE(PublishedRoot, "a blob that is missing ends it, with no thread and no half tree left and the old tree live") {
  auto publisher = this->publisher();
  const auto first = git.commit({{"page.md", {"100644", "# A page\n"}}});
  publish(publisher, first);
  const auto broken = git.commit(many_files());
  git.git({"repack", "-adq"});
  const auto oid = trimmed(git.git({"rev-parse", broken + ":folder-100/file-2900"}));
  // All objects as loose ones, so that one of them can be taken away.
  for (const auto& entry : fs::directory_iterator(root / ".git/objects/pack")) {
    if (entry.path().extension() != ".pack") continue;
    const auto pack = directory / "moved.pack";
    fs::rename(entry.path(), pack);
    fs::remove(fs::path(entry.path()).replace_extension(".idx"));
    git.git({"unpack-objects", "-q"}, read_file(pack));
    break;
  }
  REQUIRE(fs::remove(root / ".git/objects" / oid.substr(0, 2) / oid.substr(2)));
  const auto before = threads();
  CHECK_THROWS_AS(publish(publisher, broken), const git::ObjectMissing&);
  CHECK(threads() == before);
  CHECK(live().filename() == first);
  CHECK(std::distance(fs::directory_iterator(root / ".worktrees"), fs::directory_iterator()) == 1);
}
