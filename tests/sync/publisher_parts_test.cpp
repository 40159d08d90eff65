// A tree with submodules, as a real git sees it.
#include <doctest/doctest.h>

#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using sync::Checkout;
using sync::Publisher;
using sync::TreePart;
namespace fs = std::filesystem;

namespace {

constexpr const char* git_directories[] = {".git", ".git/modules/lib", ".git/modules/lib/modules/inner", ".git/modules/other"};

struct Submodule {
  fs::path git_directory;
  GitRepository git{git_directory};
  git::ObjectStore store{git_directory};

  explicit Submodule(fs::path at) : git_directory(std::move(at)) { git.git({"config", "core.bare", "false"}); }
  TreePart part(const std::string& path, const std::string& commit) {
    store.refresh();
    return {path, &store, store.revision(*git::Oid::parse(commit)), git_directory};
  }
};

std::string gitmodules(const std::vector<std::string>& paths) {
  std::string text;
  for (const auto& path : paths) text += "[submodule \"" + path + "\"]\n\tpath = " + path + "\n\turl = ../" + path + "\n";
  return text;
}

// A superproject with "lib", in which "deep/inner" lies, and "docs/other".
struct Superproject : PublishedRoot {
  Submodule lib = module("lib");
  Submodule inner = module("lib/modules/inner");
  Submodule other = module("other");
  std::string inner_commit, lib_commit, other_commit, commit;
  Tree inner_tree = {{"inner.txt", {"100644", "inner\n"}}};
  Tree lib_tree = {{"code.c", {"100644", "int lib;\n"}}, {"run", {"100755", "run\n"}}, {".gitmodules", {"100644", gitmodules({"deep/inner"})}}};
  Tree other_tree = {{".gitattributes", {"100644", "*.txt eol=crlf\n"}}, {"a.txt", {"100644", "one\ntwo\n"}}};
  Tree own_tree = {{"readme.md", {"100644", "readme\n"}}, {".gitmodules", {"100644", gitmodules({"lib", "docs/other"})}}};

  Superproject() { commit_all(); }
  Submodule module(const std::string& name) {
    fs::create_directories(root / ".git/modules" / fs::path(name).parent_path());
    return Submodule(root / ".git/modules" / name);
  }
  void commit_all() {
    inner_commit = inner.git.commit(inner_tree);
    lib_tree["deep/inner"] = {"160000", inner_commit};
    lib_commit = lib.git.commit(lib_tree);
    other_commit = other.git.commit(other_tree);
    own_tree["lib"] = {"160000", lib_commit};
    own_tree["docs/other"] = {"160000", other_commit};
    commit = git.commit(own_tree);
  }
  std::vector<TreePart> parts() {
    return {{"", &store, revision(commit), root / ".git"},
            other.part("docs/other", other_commit),
            lib.part("lib", lib_commit),
            inner.part("lib/deep/inner", inner_commit)};
  }
  std::optional<sync::CheckoutCounts> publish_parts(Publisher& publisher, std::vector<TreePart> wanted) {
    const auto counts = publisher.prepare(wanted, {});
    if (counts) CHECK(publisher.flip(*git::Oid::parse(commit)));
    return counts;
  }
  std::optional<sync::CheckoutCounts> publish_all(Publisher& publisher) { return publish_parts(publisher, parts()); }

  std::string git_at(const std::string& path, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-C", (link() / path).string()});
    return trimmed(run(arguments, {}, GitRepository::environment()));
  }
  Tree expected() const {
    Tree tree = own_tree;
    const std::vector<std::pair<std::string, const Tree*>> trees{{"lib", &lib_tree}, {"docs/other", &other_tree}, {"lib/deep/inner", &inner_tree}};
    for (const auto& [path, content] : trees) {
      tree.erase(path);
      for (const auto& [name, file] : *content) tree[path + "/" + name] = file;
    }
    tree.erase("lib/deep/inner");
    tree["docs/other/a.txt"].content = "one\r\ntwo\r\n";
    return tree;
  }
  Tree published() const {
    Tree tree = files_below(live());
    std::erase_if(tree, [](const auto& entry) { return entry.first.ends_with("/.git"); });
    return tree;
  }
  void check_with_git() const {
    CHECK(git_at("", {"status", "--porcelain", "--ignored"}) == "");
    const std::vector<std::pair<std::string, std::string>> all{
        {"", commit}, {"lib", lib_commit}, {"lib/deep/inner", inner_commit}, {"docs/other", other_commit}};
    for (const auto& [path, head] : all) {
      CAPTURE(path);
      CHECK(git_at(path, {"status", "--porcelain", "--ignored"}) == "");
      CHECK(git_at(path, {"rev-list", "HEAD"}) == head);
      CHECK(git_at(path, {"rev-parse", "--show-toplevel"}) == fs::canonical(link() / path).string());
      CHECK(read_file(link() / path / ".git").starts_with("gitdir: ../"));
    }
  }
  std::ptrdiff_t admins(const std::string& git_directory) const {
    return std::distance(fs::directory_iterator(root / git_directory / "worktrees"), fs::directory_iterator());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Superproject, "submodules are published with the superproject, and git can work in each of them") {
  Publisher publisher = this->publisher();
  CHECK(publish_all(publisher)->written == 8);
  CHECK(published() == expected());
  CHECK(publisher.published()->hex() == commit);
  check_with_git();
}

TEST_CASE_FIXTURE(Superproject, "unchanged files are shared within each submodule, and old trees leave nothing in any repository") {
  Publisher publisher = this->publisher();
  publish_all(publisher);
  inner_tree["inner.txt"].content = "changed\n";
  inner_tree["more"].content = "more\n";
  commit_all();
  const auto counts = publish_all(publisher);
  CHECK(counts->written == 2);
  CHECK(counts->linked == 7);
  publisher.clean_and_wait({});
  CHECK(published() == expected());
  check_with_git();
  for (const char* git_directory : git_directories) CHECK(admins(git_directory) == 1);
  SUBCASE("also after a restart") {
    own_tree["readme.md"].content = "changed\n";
    commit_all();
    Publisher next = this->publisher();
    CHECK(publish_all(next)->linked == 8);
    next.clean_and_wait({});
    for (const char* git_directory : git_directories) CHECK(admins(git_directory) == 1);
    check_with_git();
  }
  SUBCASE("also when a process was killed before it placed the tree") {
    const std::string name(40, 'a');
    fs::copy(root / ".git/worktrees" / commit, root / ".git/worktrees" / name);
    fs::copy(root / ".git/modules/lib/worktrees" / commit, root / ".git/modules/lib/worktrees" / name);
    Publisher next = this->publisher();
    next.clean_and_wait({});
    CHECK(admins(".git") == 1);
    CHECK(admins(".git/modules/lib") == 1);
    check_with_git();
  }
}

TEST_CASE_FIXTURE(Superproject, "a tree with submodules that is live and complete is left alone, also by a new process") {
  {
    Publisher publisher = this->publisher();
    publish_all(publisher);
  }
  Publisher publisher = this->publisher();
  const ino_t tree = inode(live());
  CHECK_FALSE(publish_all(publisher).has_value());
  CHECK(inode(live()) == tree);
}

TEST_CASE_FIXTURE(Superproject, "damage in a submodule is put right") {
  Publisher publisher = this->publisher();
  publish_all(publisher);
  SUBCASE("what a few system calls show") {
    SUBCASE("its .git file is gone") { fs::remove(live() / "lib/.git"); }
    SUBCASE("a commit was made in it") { git_at("lib/deep/inner", {"commit", "--quiet", "--allow-empty", "-m", "here"}); }
    SUBCASE("its folder is gone") { fs::remove_all(live() / "docs/other"); }
    SUBCASE("its repository's part is gone") { fs::remove_all(root / ".git/modules/other/worktrees"); }
    SUBCASE("the list of parts is damaged") { write_file(root / ".git/worktrees" / commit / "tidemark-parts", "x"); }
    CHECK_FALSE(publisher.published().has_value());
  }
  SUBCASE("a file was altered") { write_file(live() / "lib/code.c", "other\n"); }
  SUBCASE("a file is gone") { fs::remove(live() / "lib/deep/inner/inner.txt"); }
  CHECK(publish_all(publisher).has_value());
  CHECK(published() == expected());
  publisher.clean_and_wait({});
  check_with_git();
}

TEST_CASE_FIXTURE(Superproject, "submodules that are turned off and on again change the tree of the same commit") {
  Publisher publisher = this->publisher();
  publish_all(publisher);
  CHECK(publish(publisher, commit).has_value());
  CHECK(files_below(live()) == without_submodule_commits(own_tree));
  CHECK(git_at("", {"status", "--porcelain"}) == "");
  CHECK_FALSE(publish(publisher, commit).has_value());
  auto shallow = parts();
  shallow.pop_back();
  CHECK(publish_parts(publisher, shallow).has_value());
  CHECK(fs::is_empty(live() / "lib/deep/inner"));
  CHECK(publish_all(publisher).has_value());
  CHECK(published() == expected());
  check_with_git();
}

TEST_CASE_FIXTURE(Superproject, "without a checkout only the superproject's .git file is published") {
  Publisher publisher = this->publisher(Checkout::none);
  publish_all(publisher);
  CHECK(files_below(live()).empty());
  CHECK_FALSE(publish_all(publisher).has_value());
}

TEST_CASE_FIXTURE(Superproject, "a repository outside of the root, or of two parts, is refused") {
  Publisher publisher = this->publisher();
  auto wrong = parts();
  SUBCASE("outside") { wrong[1].git_directory = directory / "elsewhere"; }
  SUBCASE("of two") { wrong[1].git_directory = wrong[2].git_directory; }
  CHECK_THROWS_AS(publisher.prepare(wrong, {}), std::invalid_argument);
  CHECK_FALSE(publisher.linked().has_value());
}

TEST_CASE_FIXTURE(Superproject, "submodules that sparse patterns leave out are not there, nor those in them") {
  write_file(directory / "patterns", "*\n!lib\n!a.txt\n");
  Publisher publisher = this->publisher(sync::TreeSettings{.checkout = Checkout::sparse, .sparse_file = directory / "patterns"});
  publish_all(publisher);
  Tree tree = expected();
  std::erase_if(tree, [](const auto& entry) { return entry.first.starts_with("lib/"); });
  CHECK(published() == tree);  // the patterns are the superproject's, "a.txt" is a submodule's file
  CHECK_FALSE(fs::exists(live() / "lib"));
  CHECK(git_at("", {"status", "--porcelain"}) == "");
  CHECK(git_at("docs/other", {"status", "--porcelain"}) == "");
  CHECK_FALSE(publish_all(publisher).has_value());
  fs::remove(live() / "docs/other/a.txt");
  CHECK(publish_all(publisher).has_value());
  CHECK(published() == tree);
}
