#include <doctest/doctest.h>

#include "git/error.hpp"
#include "sync/publish/path_rules.hpp"
#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

struct Entry {
  std::string mode, name, oid;
};

std::string tree_of(const GitRepository& git, const std::vector<Entry>& entries) {
  std::string bytes;
  for (const auto& entry : entries) bytes += entry.mode + " " + entry.name + std::string(1, '\0') + std::string(git::Oid::parse(entry.oid)->bytes());
  return git.write_object("tree", bytes);
}

std::string commit_of(const GitRepository& git, const std::string& tree) { return git.git_line({"commit-tree", "-m", "m", tree}); }

}  // namespace

TEST_CASE_FIXTURE(PublishedRoot, "a name is refused when git refuses it") {
  const std::string blob = git.write_object("blob", "x");
  for (const std::string name : {".git", ".GIT", ".Git", "git~1", "GIT~1", "git~2", "git~10", ".git.", ".git ", ".git . .", "git~1 ", ".git:stream", "git~1::$INDEX_ALLOCATION", ".git\\x",
                                 ".g\xe2\x80\x8cit", "\xe2\x80\x8e.git", ".git\xef\xbb\xbf", ".gi\xe2\x81\xaft", ".gi\xe2\x80\xa9t", ".gi\xe2\x80\xaft", ".gitx", ".gitignore", ".git.x", "git", "x.git", ".gi", "..",
                                 ".", "...", "..x", "a b", "-x", "~1", "\xff", "\xe2\x80", "\xe2"}) {
    CAPTURE(name);
    // update-index says "Ignoring path" for a name that verify_path refuses.
    git.git({"-c", "core.protectNTFS=true", "-c", "core.protectHFS=true", "update-index", "--index-info"}, "100644 " + blob + "\t" + name + "\n");
    const bool is_taken = !git.git({"ls-files", "-z"}).empty();
    fs::remove(git.path() / "index");
    CHECK(sync::is_safe_name(name) == is_taken);
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "a tree that would write over a repository's files is refused and nothing is left of it") {
  auto publisher = this->publisher();
  const Tree good = {{"a", {"100644", "a"}}};
  const std::string before = git.commit(good);
  publish(publisher, before);
  const std::string blob = git.write_object("blob", "evil");
  const std::string folder = tree_of(git, {{"100644", "config", blob}});
  std::string tree;
  SUBCASE("a folder .git") { tree = tree_of(git, {{"40000", ".git", folder}}); }
  SUBCASE("a file .git") { tree = tree_of(git, {{"100644", ".git", blob}}); }
  SUBCASE("another spelling, further down") { tree = tree_of(git, {{"40000", "a", tree_of(git, {{"40000", ".GIT", folder}})}}); }
  SUBCASE("the parent folder") { tree = tree_of(git, {{"40000", "..", folder}}); }
  SUBCASE("a slash in a name") { tree = tree_of(git, {{"100644", "../../x", blob}}); }
  SUBCASE("a name twice") { tree = tree_of(git, {{"100644", "a", blob}, {"100644", "a", blob}}); }
  SUBCASE("a name as link and as folder") {
    const std::string outside = git.write_object("blob", (directory / "outside").string());
    tree = tree_of(git, {{"120000", "a", outside}, {"40000", "a", folder}});
  }
  fs::create_directory(directory / "outside");
  const std::string commit = commit_of(git, tree);
  CHECK_THROWS(publish(publisher, commit));
  CHECK(fs::is_empty(directory / "outside"));
  CHECK(publisher.published()->hex() == before);
  CHECK(files_below(live()) == good);
  CHECK(std::distance(fs::directory_iterator(root / ".worktrees"), fs::directory_iterator()) == 1);
}

TEST_CASE_FIXTURE(PublishedRoot, "a revision with a missing object is refused and the live one stays") {
  auto publisher = this->publisher();
  const std::string before = git.commit({{"a", {"100644", "a"}}});
  publish(publisher, before);
  const std::string commit = commit_of(git, tree_of(git, {{"100644", "gone", std::string(40, '1')}}));
  CHECK_THROWS_AS(publish(publisher, commit), git::ObjectMissing);
  CHECK(publisher.published()->hex() == before);
}
