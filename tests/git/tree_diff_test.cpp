#include "git/tree_diff.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "git/random_tree.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark::git;
using tidemark::testing::GitRepository;
using tidemark::testing::RandomTree;
using tidemark::testing::TemporaryDirectory;
using tidemark::testing::Tree;

namespace {

std::string side_mode(const std::optional<Entry>& entry) {
  char text[16];
  std::snprintf(text, sizeof text, "%06o", entry ? static_cast<unsigned>(entry->mode) : 0U);
  return text;
}

// The diff in the format of `git diff-tree -r --raw -z --full-index`.
std::string diffed(const ObjectStore& store, const Oid& from, const Oid& to) {
  std::string text;
  diff_trees(store, from, to, [&](const Change& change) {
    const bool other_type = change.before && change.after && (change.before->is_file() != change.after->is_file() || (!change.before->is_file() && change.before->mode != change.after->mode));
    const char status = !change.before ? 'A' : !change.after ? 'D' : other_type ? 'T' : 'M';
    text += ":" + side_mode(change.before) + " " + side_mode(change.after) + " " + change.before.value_or(Entry{}).oid.hex() + " " +
            change.after.value_or(Entry{}).oid.hex() + " " + status + std::string(1, '\0') + change.path + std::string(1, '\0');
    return true;
  });
  return text;
}

std::vector<std::string> paths(const ObjectStore& store, const Oid& from, const Oid& to) {
  std::vector<std::string> result;
  diff_trees(store, from, to, [&](const Change& change) {
    result.push_back((change.before ? "-" : "+") + change.path);
    return true;
  });
  return result;
}

struct Fixture {
  Library library;
  TemporaryDirectory directory;
  GitRepository git{directory / "r.git"};

  Oid tree(const Tree& files) { return *Oid::parse(git.git_line({"rev-parse", git.commit(files) + "^{tree}"})); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a diff is what git diff-tree reports, in its order, for random edits of odd paths") {
  RandomTree random(3);
  std::vector<Oid> trees;
  for (int round = 0; round < 80; ++round) {
    random.edit();
    trees.push_back(tree(random.tree()));
  }
  ObjectStore store(git.path());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    for (const std::size_t j : {i > 0 ? i - 1 : 0, i / 2, std::size_t{0}}) {
      CAPTURE(i);
      CAPTURE(j);
      const std::string expected = git.git({"diff-tree", "-r", "--raw", "-z", "--full-index", "--no-renames", trees[j].hex(), trees[i].hex()});
      CHECK(diffed(store, trees[j], trees[i]) == expected);
      const std::string reversed = git.git({"diff-tree", "-r", "--raw", "-z", "--full-index", "--no-renames", trees[i].hex(), trees[j].hex()});
      CHECK(diffed(store, trees[i], trees[j]) == reversed);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "a file that became a folder is a removal and additions, each at its place in byte order") {
  const Oid before = tree({{"a", {"100644", "1"}}, {"a-", {"100644", "1"}}, {"a.b", {"100644", "1"}}, {"a0", {"100644", "1"}}});
  const Oid after = tree({{"a/x", {"100644", "1"}}, {"a-", {"100644", "1"}}, {"a0/y", {"100644", "1"}}});
  ObjectStore store(git.path());
  CHECK(paths(store, before, after) == std::vector<std::string>{"-a", "-a.b", "+a/x", "-a0", "+a0/y"});
  CHECK(paths(store, after, before) == std::vector<std::string>{"+a", "+a.b", "-a/x", "+a0", "-a0/y"});
}

TEST_CASE_FIXTURE(Fixture, "equal trees are not even read") {
  ObjectStore store(git.path());
  const Oid absent = *Oid::parse(std::string(40, 'a'));
  CHECK(paths(store, absent, absent).empty());
}

TEST_CASE_FIXTURE(Fixture, "folders that are equal on both sides are not read") {
  const std::string folder(20, '\x11');
  const std::string blob = git.write_object("blob", "x");
  const auto entry = [](const std::string& mode_and_name, const std::string& raw) { return mode_and_name + std::string(1, '\0') + raw; };
  const std::string raw_blob(Oid::parse(blob)->bytes());
  const Oid from = *Oid::parse(git.write_object("tree", entry("40000 absent", folder)));
  const Oid to = *Oid::parse(git.write_object("tree", entry("40000 absent", folder) + entry("100644 b", raw_blob)));
  ObjectStore store(git.path());
  CHECK(paths(store, from, to) == std::vector<std::string>{"+b"});
}

TEST_CASE_FIXTURE(Fixture, "a diff ends when the visitor says so") {
  const Oid from = tree({});
  const Oid to = tree({{"a", {}}, {"b", {}}, {"c", {}}});
  ObjectStore store(git.path());
  int seen = 0;
  diff_trees(store, from, to, [&](const Change&) { return ++seen < 2; });
  CHECK(seen == 2);
}

TEST_CASE_FIXTURE(Fixture, "a tree pruned on one side is ObjectMissing") {
  const Oid from = *Oid::parse(git.write_object("tree", "40000 gone" + std::string(1, '\0') + std::string(20, '\x22')));
  const Oid to = tree({{"gone/a", {}}});
  ObjectStore store(git.path());
  CHECK(store.contains_trees_of(from));
  CHECK_THROWS_AS(paths(store, from, to), ObjectMissing);
  CHECK_FALSE(store.contains_trees_of(*Oid::parse(std::string(40, '2'))));
}

TEST_CASE_FIXTURE(Fixture, "a few trees that name each other into billions of paths end in an Error") {
  std::string tree = git.write_object("tree", "");
  for (int level = 0; level < 12; ++level) {
    std::string bytes;
    for (char name = 'a'; name <= 'j'; ++name) bytes += std::string("40000 ") + name + std::string(1, '\0') + std::string(Oid::parse(tree)->bytes());
    tree = git.write_object("tree", bytes);
  }
  git.git({"repack", "-adq"});
  const Oid empty = *Oid::parse(git.write_object("tree", ""));
  ObjectStore store(git.path());
  CHECK_THROWS_AS(paths(store, empty, *Oid::parse(tree)), Error);
}
