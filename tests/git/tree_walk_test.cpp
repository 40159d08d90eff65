#include "git/tree_walk.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "git/random_tree.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark::git;
using tidemark::testing::File;
using tidemark::testing::GitRepository;
using tidemark::testing::RandomTree;
using tidemark::testing::TemporaryDirectory;
using tidemark::testing::Tree;

namespace {

std::string octal(Mode mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%06o", static_cast<unsigned>(mode));
  return text;
}

// The walk in the format of `git ls-tree -r -z`.
std::string walked(const ObjectStore& store, const Oid& tree) {
  std::string text;
  walk_tree(store, tree, {}, [&](std::string_view path, const Entry& entry) {
    text += octal(entry.mode) + (entry.mode == Mode::submodule ? " commit " : " blob ") + entry.oid.hex() + "\t";
    text += path;
    text += '\0';
    return true;
  });
  return text;
}

std::string listed(const GitRepository& git, const std::string& tree) {
  return git.git({"ls-tree", "-r", "-z", "--full-tree", tree});
}

std::string raw_entry(const std::string& mode, const std::string& name, const std::string& hex) {
  return mode + " " + name + std::string(1, '\0') + std::string(Oid::parse(hex)->bytes());
}

struct Fixture {
  Library library;
  TemporaryDirectory directory;
  GitRepository git{directory / "r.git"};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a walk lists what git ls-tree lists, in its order, for random trees of odd paths") {
  RandomTree random(1);
  for (int round = 0; round < 60; ++round) {
    random.edit();
    const std::string tree = git.git_line({"rev-parse", git.commit(random.tree()) + "^{tree}"});
    ObjectStore store(git.path());
    CAPTURE(round);
    CHECK(walked(store, *Oid::parse(tree)) == listed(git, tree));
  }
}

TEST_CASE_FIXTURE(Fixture, "paths come in byte order") {
  RandomTree random(2);
  for (int round = 0; round < 10; ++round) random.edit();
  ObjectStore store(git.path());
  std::string previous;
  walk_tree(store, store.revision(*Oid::parse(git.commit(random.tree()))).tree, {}, [&](std::string_view path, const Entry&) {
    CHECK(previous < path);
    previous = path;
    return true;
  });
}

TEST_CASE_FIXTURE(Fixture, "a folder that is refused is not read, and a walk ends when the visitor says so") {
  const std::string commit = git.commit({{"a/x", {}}, {"b/c/y", {}}, {"b/z", {}}, {"d", {}}});
  ObjectStore store(git.path());
  const Oid tree = store.revision(*Oid::parse(commit)).tree;
  std::vector<std::string> asked;
  std::vector<std::string> seen;
  walk_tree(
      store, tree,
      [&](std::string_view path) {
        asked.emplace_back(path);
        return path != "b/c";
      },
      [&](std::string_view path, const Entry&) {
        seen.emplace_back(path);
        return path != "b/z";
      });
  CHECK(asked == std::vector<std::string>{"a", "b", "b/c"});
  CHECK(seen == std::vector<std::string>{"a/x", "b/z"});
}

TEST_CASE_FIXTURE(Fixture, "one entry is found by its path, or nothing") {
  const std::string commit = git.commit({{"a.b", {"100755", "1"}}, {"a/b/c", {"120000", "x"}}, {"計/算", {}}});
  ObjectStore store(git.path());
  const Oid tree = store.revision(*Oid::parse(commit)).tree;
  REQUIRE(find_entry(store, tree, "a/b/c"));
  CHECK(find_entry(store, tree, "a/b/c")->mode == Mode::symlink);
  CHECK(find_entry(store, tree, "a/b/c")->oid.hex() == git.git_line({"rev-parse", commit + ":a/b/c"}));
  CHECK(find_entry(store, tree, "a.b")->mode == Mode::executable);
  CHECK(find_entry(store, tree, "計/算"));
  for (const char* path : {"", "a", "a/", "a/b", "/a.b", "a//b/c", "a.b/c", "b", "a/b/c/", "計"}) {
    CAPTURE(path);
    CHECK_FALSE(find_entry(store, tree, path));
  }
}

TEST_CASE_FIXTURE(Fixture, "the empty tree has no entries") {
  const std::string empty = git.write_object("tree", "");
  ObjectStore store(git.path());
  CHECK(walked(store, *Oid::parse(empty)).empty());
}

TEST_CASE_FIXTURE(Fixture, "modes that old programs wrote are read as git reads them") {
  const std::string blob = git.write_object("blob", "x");
  const std::string folder = git.write_object("tree", raw_entry("100644", "f", blob));
  const std::string tree = git.write_object("tree", raw_entry("100664", "a", blob) + raw_entry("100775", "b", blob) + raw_entry("040000", "c", folder));
  ObjectStore store(git.path());
  CHECK(walked(store, *Oid::parse(tree)) == listed(git, tree));
}

TEST_CASE_FIXTURE(Fixture, "a tree that git would not have written is an Error") {
  const std::string blob = git.write_object("blob", "x");
  const std::string folder = git.write_object("tree", raw_entry("100644", "f", blob));
  const auto file = [&](const std::string& name) { return raw_entry("100644", name, blob); };
  const auto dir = [&](const std::string& name) { return raw_entry("40000", name, folder); };
  const std::vector<std::pair<std::string, std::string>> hostile = {
      {"out of order", file("b") + file("a")},
      {"a folder out of order", dir("a") + file("a.b")},
      {"twice", file("a") + file("a")},
      {"a folder twice", dir("a") + dir("a")},
      {"a file and a folder of one name", file("a") + dir("a")},
      {"a file and a folder of one name with others between", file("a") + file("a-") + file("a.b") + dir("a")},
      {"dot", file(".")},
      {"dot dot", dir("..")},
      {"dot git", dir(".git")},
      {"dot git in capitals", file(".GiT")},
      {"a slash", file("a/b")},
      {"no name", file("")},
      {"no mode", " a" + file("").substr(7)},
      {"a mode that is no number", raw_entry("10064x", "a", blob)},
      {"an unknown mode", raw_entry("10000", "a", blob)},
      {"a long mode", raw_entry("000000100644", "a", blob)},
      {"cut off in the id", file("a").substr(0, 20)},
      {"cut off in the name", "100644 abc"},
      {"cut off in the mode", "1006"},
  };
  for (const auto& [what, bytes] : hostile) {
    CAPTURE(what);
    const std::string root = git.write_object("tree", bytes);
    const std::string above = git.write_object("tree", raw_entry("40000", "z", root));
    ObjectStore store(git.path());
    CHECK_THROWS_AS(walked(store, *Oid::parse(root)), Error);
    CHECK_THROWS_AS(walked(store, *Oid::parse(above)), Error);
  }
}

TEST_CASE_FIXTURE(Fixture, "folders nested too deep are an Error, and 500 levels are not") {
  std::string tree = git.write_object("tree", raw_entry("100644", "f", git.write_object("blob", "x")));
  std::string allowed;
  for (int depth = 0; depth < 600; ++depth) {
    if (depth == 500) allowed = tree;
    tree = git.write_object("tree", raw_entry("40000", "d", tree));
  }
  ObjectStore store(git.path());
  CHECK(walked(store, *Oid::parse(allowed)) == listed(git, allowed));
  CHECK_THROWS_AS(walked(store, *Oid::parse(tree)), Error);
}

TEST_CASE_FIXTURE(Fixture, "a path over 64 KiB is an Error") {
  std::string tree = git.write_object("tree", raw_entry("100644", "f", git.write_object("blob", "x")));
  for (int depth = 0; depth < 20; ++depth) tree = git.write_object("tree", raw_entry("40000", std::string(4000, 'd'), tree));
  ObjectStore store(git.path());
  CHECK_THROWS_AS(walked(store, *Oid::parse(tree)), Error);
}

TEST_CASE_FIXTURE(Fixture, "a tree that is not there is ObjectMissing, one that is a blob is an Error") {
  ObjectStore store(git.path());
  const Oid absent = *Oid::parse(std::string(40, 'a'));
  CHECK_THROWS_AS(walked(store, absent), ObjectMissing);
  const std::string tree = git.write_object("tree", raw_entry("40000", "gone", std::string(40, 'b')));
  CHECK_THROWS_AS(walked(store, *Oid::parse(tree)), ObjectMissing);
  const std::string blob = git.write_object("blob", "x");
  CHECK_THROWS_WITH_AS(walked(store, *Oid::parse(blob)), ("object " + blob + " is a blob, not a tree").c_str(), Error);
}
