#include "git/object_store.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "git/tree_walk.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark::git;
using tidemark::testing::GitRepository;
using tidemark::testing::run;
using tidemark::testing::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  Library library{Library::Hashing::by_object_store};  // the store alone compares content and id
  TemporaryDirectory directory;
  GitRepository git{directory / "r.git"};

  static Oid oid(const std::string& hex) { return *Oid::parse(hex); }
};

std::string content(const ObjectStore& store, const Oid& blob) {
  std::string text;
  store.read_blob(blob, [&](std::string_view bytes) { text = bytes; });
  return text;
}

fs::path loose_path(const fs::path& git_directory, const std::string& hex) { return git_directory / "objects" / hex.substr(0, 2) / hex.substr(2); }

void overwrite(const fs::path& file, std::string_view bytes) {
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a revision has the commit's tree, time and parents; an annotated tag is peeled") {
  const std::string first = git.commit({{"a", {}}});
  const std::string second = git.commit({{"a", {}}, {"b", {}}}, "refs/heads/main", first);
  git.git({"tag", "-a", "-m", "m", "v1", second});
  git.git({"tag", "-a", "-m", "m", "v2", "v1"});
  ObjectStore store(git.path());
  const Revision revision = store.revision(oid(second));
  CHECK(revision.commit == oid(second));
  CHECK(revision.tree.hex() == git.git_line({"rev-parse", second + "^{tree}"}));
  CHECK(std::to_string(revision.committed_at) == git.git_line({"log", "-1", "--format=%ct", second}));
  CHECK(revision.parents == std::vector<Oid>{oid(first)});
  CHECK(store.revision(oid(git.git_line({"rev-parse", "v2"}))) == revision);
}

TEST_CASE_FIXTURE(Fixture, "what leads to no commit is no revision") {
  git.commit({{"a", {}}});
  git.git({"tag", "-a", "-m", "m", "tree", "main^{tree}"});
  ObjectStore store(git.path());
  CHECK_THROWS_AS(store.revision(oid(git.git_line({"rev-parse", "main^{tree}"}))), Error);
  CHECK_THROWS_AS(store.revision(oid(git.git_line({"rev-parse", "tree"}))), Error);
  CHECK_THROWS_AS(store.revision(oid(std::string(40, 'a'))), ObjectMissing);
}

TEST_CASE_FIXTURE(Fixture, "a blob's size and bytes are what was stored, loose and packed") {
  const std::string bytes = std::string("a\0b\r\n", 5) + std::string(100'000, 'x');
  const std::string blob = git.write_object("blob", bytes);
  const std::string empty = git.write_object("blob", "");
  for (const bool packed : {false, true}) {
    if (packed) {
      git.git({"update-ref", "refs/blob", blob});
      git.git({"update-ref", "refs/empty", empty});
      git.git({"repack", "-adq"});
    }
    ObjectStore store(git.path());
    CHECK(store.blob_size(oid(blob)) == static_cast<std::int64_t>(bytes.size()));
    CHECK(content(store, oid(blob)) == bytes);
    CHECK(store.blob_size(oid(empty)) == 0);
    CHECK(content(store, oid(empty)).empty());
    CHECK(store.contains(oid(blob)));
    CHECK_FALSE(store.contains(oid(std::string(40, 'a'))));
    CHECK_THROWS_AS(store.blob_size(oid(std::string(40, 'a'))), ObjectMissing);
    CHECK_THROWS_AS(content(store, oid(std::string(40, 'a'))), ObjectMissing);
  }
  const std::string tree = git.write_object("tree", "");
  ObjectStore store(git.path());
  CHECK_THROWS_AS(content(store, oid(tree)), Error);
  CHECK_THROWS_AS(store.blob_size(oid(tree)), Error);
}

TEST_CASE_FIXTURE(Fixture, "bytes that do not belong to an id are an Error, loose and packed") {
  const std::string blob = git.write_object("blob", std::string(2000, 'a'));
  const std::string other = git.write_object("blob", std::string(2000, 'b'));
  std::ifstream in(loose_path(git.path(), other), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  overwrite(loose_path(git.path(), blob), bytes);
  ObjectStore store(git.path());
  CHECK_THROWS_AS(content(store, oid(blob)), Error);

  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    CAPTURE(size);
    overwrite(loose_path(git.path(), other), std::string_view(bytes).substr(0, size));
    if (size < bytes.size()) {
      CHECK_THROWS_AS(content(store, oid(other)), Error);
    } else {
      CHECK(content(store, oid(other)) == std::string(2000, 'b'));
    }
  }

  GitRepository packed(directory / "p.git");
  const std::string commit = packed.commit({{"a", {"100644", std::string(3000, 'a') + "unique"}}});
  packed.git({"repack", "-adq"});
  for (const auto& entry : fs::directory_iterator(packed.path() / "objects" / "pack")) {
    if (entry.path().extension() != ".pack") continue;
    std::ifstream pack(entry.path(), std::ios::binary);
    std::string data((std::istreambuf_iterator<char>(pack)), {});
    for (std::size_t i = 20; i + 20 < data.size(); ++i) data[i] = static_cast<char>(data[i] ^ 0x55);
    overwrite(entry.path(), data);
  }
  ObjectStore broken(packed.path());
  CHECK_THROWS_AS(broken.revision(oid(commit)), Error);
}

TEST_CASE_FIXTURE(Fixture, "a loose object with any one byte changed is an Error or unharmed, never other content") {
  std::string content_bytes;
  for (int i = 0; i < 300; ++i) content_bytes += std::to_string(i * i);
  const std::string blob = git.write_object("blob", content_bytes);
  std::ifstream in(loose_path(git.path(), blob), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  ObjectStore store(git.path());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    overwrite(loose_path(git.path(), blob), changed);
    // A bit that only says how it was compressed may change without harm.
    std::string read = content_bytes;
    try {
      read = content(store, oid(blob));
    } catch (const Error&) {
    }
    CHECK(read == content_bytes);
  }
}

TEST_CASE_FIXTURE(Fixture, "packs that replaced others are found without being asked for") {
  const std::string first = git.commit({{"a", {"100644", "1"}}});
  git.git({"repack", "-adq"});
  ObjectStore store(git.path());
  CHECK(store.revision(oid(first)).commit == oid(first));
  const std::string second = git.commit({{"a", {"100644", "2"}}}, "refs/heads/main", first);
  git.git({"repack", "-adq"});
  CHECK(store.revision(oid(second)).commit == oid(second));
  CHECK(store.revision(oid(first)).commit == oid(first));
  store.refresh();
  CHECK(content(store, oid(git.git_line({"rev-parse", "main:a"}))) == "2");
}

TEST_CASE_FIXTURE(Fixture, "a store that was opened through a worktree outlives the worktree") {
  const std::string commit = git.commit({{"a", {.content = "text"}}});
  run({"git", "-C", git.path().string(), "worktree", "add", "--quiet", "--detach", (directory / "w").string(), commit});
  overwrite(directory / "w" / ".git", "gitdir: ../r.git/worktrees/w\n");
  const ObjectStore store(directory / "w" / ".git");
  std::filesystem::remove_all(directory / "w");
  std::filesystem::remove_all(git.path() / "worktrees");
  CHECK(store.revision(oid(commit)).commit == oid(commit));
  const std::string later = git.commit({{"b", {}}}, "refs/heads/later");
  CHECK(store.contains(oid(later)));
}

TEST_CASE_FIXTURE(Fixture, "a worktree's .git file is followed, absolute and relative, with its commondir") {
  const std::string commit = git.commit({{"a", {}}});
  run({"git", "-C", git.path().string(), "worktree", "add", "--quiet", "--detach", (directory / "w").string(), commit});
  CHECK(ObjectStore(directory / "w" / ".git").contains(oid(commit)));
  overwrite(directory / "w" / ".git", "gitdir: ../r.git/worktrees/w\n");
  CHECK(ObjectStore(directory / "w" / ".git").contains(oid(commit)));
  overwrite(directory / "w" / ".git", "gitdir: ../r.git\n");
  CHECK(ObjectStore(directory / "w" / ".git").contains(oid(commit)));
  overwrite(directory / "w" / ".git", "gitdir: ../nowhere\n");
  CHECK_THROWS_AS(ObjectStore(directory / "w" / ".git"), Error);
  overwrite(directory / "w" / ".git", "something else\n");
  CHECK_THROWS_AS(ObjectStore(directory / "w" / ".git"), Error);
}

TEST_CASE_FIXTURE(Fixture, "objects of an alternate are read") {
  const std::string commit = git.commit({{"a", {"100644", "x"}}});
  GitRepository borrower(directory / "b.git");
  std::ofstream(borrower.path() / "objects" / "info" / "alternates") << (git.path() / "objects").string() << "\n";
  CHECK(ObjectStore(borrower.path()).revision(oid(commit)).commit == oid(commit));
}

TEST_CASE_FIXTURE(Fixture, "no config, no refs and no HEAD can refuse the objects") {
  const std::string commit = git.commit({{"a", {}}});
  std::ofstream(git.path() / "config", std::ios::trunc) << "[core]\n\trepositoryformatversion = 9\n[extensions]\n\tunheardof = true\n";
  CHECK(ObjectStore(git.path()).contains(oid(commit)));
  std::ofstream(git.path() / "config", std::ios::trunc) << "[[[[not a config";
  CHECK(ObjectStore(git.path()).contains(oid(commit)));
  fs::remove(git.path() / "config");
  fs::remove(git.path() / "HEAD");
  fs::remove_all(git.path() / "refs");
  CHECK(ObjectStore(git.path()).contains(oid(commit)));
}

TEST_CASE_FIXTURE(Fixture, "a SHA-256 repository is Unsupported, with the reason") {
  GitRepository sha256(directory / "s.git", {"--object-format=sha256"});
  CHECK_THROWS_WITH_AS(ObjectStore(sha256.path()), doctest::Contains("object format sha256"), Unsupported);
}

TEST_CASE_FIXTURE(Fixture, "a blob that a partial clone left out is Unsupported, with the reason") {
  git.commit({{"a", {"100644", "x"}}});
  git.git({"config", "uploadpack.allowFilter", "true"});
  run({"git", "clone", "--quiet", "--bare", "--filter=blob:none", git.url(), (directory / "partial.git").string()});
  ObjectStore store(directory / "partial.git");
  const Oid blob = oid(git.git_line({"rev-parse", "main:a"}));
  CHECK_THROWS_WITH_AS(content(store, blob), doctest::Contains("partial clone"), Unsupported);
  CHECK_THROWS_AS(store.blob_size(blob), Unsupported);
}

TEST_CASE_FIXTURE(Fixture, "a folder that is no repository is an Error that names it") {
  CHECK_THROWS_WITH_AS(ObjectStore(directory / "nothing"), doctest::Contains((directory / "nothing").c_str()), Error);
  CHECK_THROWS_AS(ObjectStore(directory.path()), Error);
}

TEST_CASE_FIXTURE(Fixture, "ancestors are found over merges, within the limit, and end where history is shallow") {
  const std::string a = git.commit({{"a", {"100644", "1"}}});
  const std::string b = git.commit({{"a", {"100644", "2"}}}, "refs/heads/main", a);
  const std::string side = git.commit({{"a", {"100644", "3"}}}, "refs/heads/side", a);
  const std::string tree = git.git_line({"rev-parse", side + "^{tree}"});
  const std::string merge = git.git_line({"commit-tree", "-m", "m", "-p", b, "-p", side, tree});
  git.git({"update-ref", "refs/heads/main", merge});
  const std::string unrelated = git.commit({{"a", {"100644", "4"}}}, "refs/heads/other");
  ObjectStore store(git.path());
  CHECK(store.is_ancestor(oid(a), oid(merge), 100));
  CHECK(store.is_ancestor(oid(side), oid(merge), 100));
  CHECK(store.is_ancestor(oid(merge), oid(merge), 100));
  CHECK_FALSE(store.is_ancestor(oid(merge), oid(a), 100));
  CHECK_FALSE(store.is_ancestor(oid(unrelated), oid(merge), 100));
  CHECK_FALSE(store.is_ancestor(oid(a), oid(merge), 2));
  CHECK_FALSE(store.is_ancestor(oid(std::string(40, 'a')), oid(merge), 100));
  run({"git", "clone", "--quiet", "--bare", "--depth", "1", git.url(), (directory / "shallow.git").string()});
  ObjectStore shallow(directory / "shallow.git");
  CHECK(shallow.is_ancestor(oid(merge), oid(merge), 100));
  CHECK_FALSE(shallow.is_ancestor(oid(a), oid(merge), 100));
}
