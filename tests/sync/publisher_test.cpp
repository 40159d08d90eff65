#include "sync/publish/publisher.hpp"

#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "daemon/error.hpp"
#include "git/random_tree.hpp"
#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using sync::Checkout;
using sync::Publisher;
namespace fs = std::filesystem;

namespace {

// What `git ls-files -s -z` prints for an index that holds the commit: `git ls-tree`'s lines ("MODE TYPE ID<tab>PATH") with stage 0 in the place of
// the type.
std::string staged(const GitRepository& git, const std::string& commit) {
  std::istringstream lines(git.git({"ls-tree", "-r", "-z", "--full-tree", commit}));
  std::string text, mode, type, oid, path;
  while (lines >> mode >> type >> oid && lines.get() && std::getline(lines, path, '\0')) text += mode + " " + oid + " 0\t" + path + '\0';
  return text;
}

Tree numbered(int files) {
  Tree tree;
  for (int i = 0; i < files; ++i) tree["folder-" + std::to_string(i % 7) + "/page-" + std::to_string(i) + ".md"] = {"100644", "page " + std::to_string(i) + "\n"};
  return tree;
}

}  // namespace

TEST_CASE_FIXTURE(PublishedRoot, "a published tree is what git would check out, for random trees one after the other") {
  RandomTree random(7);
  Publisher publisher = this->publisher();
  std::int64_t linked = 0;
  for (int round = 0; round < 60; ++round) {
    random.edit();
    const std::string commit = git.commit(random.tree());
    if (const auto counts = publish(publisher, commit)) linked += counts->linked;
    publisher.clean_and_wait({});
    CAPTURE(round);
    CHECK(fs::read_symlink(link()) == fs::path(".worktrees") / commit);
    CHECK(files_below(live()) == without_submodule_commits(random.tree()));
    CHECK(git_in_link({"ls-files", "-s", "-z"}) == staged(git, commit));
    CHECK(git_in_link({"status", "--porcelain", "--ignored", "-z"}) == "");
    CHECK(trimmed(git_in_link({"log", "-1", "--format=%H"})) == commit);
  }
  CHECK(linked > 0);
}

TEST_CASE_FIXTURE(PublishedRoot, "files that did not change are shared with the tree before, changed ones are not") {
  Publisher publisher = this->publisher();
  Tree tree = numbered(50);
  publish(publisher, git.commit(tree));
  const ino_t same = inode(live() / "folder-1/page-1.md");
  const ino_t other = inode(live() / "folder-2/page-2.md");
  tree["folder-2/page-2.md"].content = "PAGE 2\n";
  const auto counts = publish(publisher, git.commit(tree));
  CHECK(counts->written == 1);
  CHECK(counts->linked == 49);
  CHECK(inode(live() / "folder-1/page-1.md") == same);
  CHECK(inode(live() / "folder-2/page-2.md") != other);
  CHECK(files_below(live()) == tree);
}

TEST_CASE_FIXTURE(PublishedRoot, "a file is shared again after git status has rewritten the record") {
  Publisher publisher = this->publisher();
  Tree tree = numbered(5);
  for (int round = 0; round < 3; ++round) {
    tree["changing"].content = std::to_string(round);
    const auto counts = publish(publisher, git.commit(tree));
    CHECK(counts->linked == (round == 0 ? 0 : 5));
    publisher.clean_and_wait({});
    CHECK(git_in_link({"status", "--porcelain"}) == "");
    git_in_link({"update-index", "--refresh"});
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "a file that a consumer altered is not carried into the next tree") {
  Publisher publisher = this->publisher();
  Tree tree = numbered(20);
  tree["run"] = {"100755", "run\n"};
  tree["link-to"] = {"120000", "run"};
  publish(publisher, git.commit(tree));
  fs::create_directory(directory / "outside");
  write_file(directory / "outside/page-3.md", "outside\n");
  write_file(live() / "folder-0/page-0.md", "altered\n");
  fs::remove(live() / "folder-1/page-1.md");
  fs::permissions(live() / "run", fs::perms(0644));
  fs::remove(live() / "link-to");
  fs::create_symlink("/etc/passwd", live() / "link-to");
  fs::remove_all(live() / "folder-3");
  fs::create_symlink(directory / "outside", live() / "folder-3");
  tree["new"].content = "new";
  publish(publisher, git.commit(tree));
  CHECK(files_below(live()) == tree);
  CHECK(read_file(directory / "outside/page-3.md") == "outside\n");
}

TEST_CASE_FIXTURE(PublishedRoot, "without hard links no two trees have a file in common, and what is written in one is not seen in the other") {
  Publisher publisher = this->publisher(sync::TreeSettings{.sharing = sync::Sharing::blocks});
  Tree tree = numbered(20);
  publish(publisher, git.commit(tree));
  const fs::path old = live();
  tree["new"].content = "new";
  const auto counts = publish(publisher, git.commit(tree));
  CHECK(counts->written + counts->linked == 21);
  CHECK(inode(live() / "folder-1/page-1.md") != inode(old / "folder-1/page-1.md"));
  write_file(old / "folder-1/page-1.md", "other\n");
  CHECK(files_below(live()) == tree);
  CHECK(git_in_link({"status", "--porcelain", "--ignored"}) == "");
}

TEST_CASE_FIXTURE(PublishedRoot, "with a umask of 0002 the group may write to files and folders, and the record knows it") {
  Tree tree = numbered(8);
  tree["run"] = {"100755", "run\n"};
  const std::string commit = git.commit(tree);
  Publisher closed = this->publisher();
  publish(closed, commit);
  const auto mode = [&](const char* path) { return static_cast<unsigned>(fs::status(live() / path).permissions()); };
  CHECK(mode("folder-1/page-1.md") == 0644);
  ::umask(0002);
  Publisher open = this->publisher(sync::TreeSettings{.sharing = sync::Sharing::blocks, .mask = 0002});
  CHECK_FALSE(open.published().has_value());
  CHECK(publish(open, commit)->written == 9);
  CHECK(mode("folder-1/page-1.md") == 0664);
  CHECK(mode("run") == 0775);
  CHECK(mode("folder-1") == 0775);
  CHECK(mode(".git") == 0664);
  CHECK(git_in_link({"status", "--porcelain"}) == "");
  CHECK_FALSE(publish(open, commit).has_value());
  fs::permissions(live() / "run", fs::perms(0755));
  CHECK(publish(open, commit).has_value());
  CHECK(mode("run") == 0775);
  ::umask(0022);
}

TEST_CASE_FIXTURE(PublishedRoot, "a live and complete tree is left alone, also by a new process") {
  const std::string commit = git.commit(numbered(30));
  {
    Publisher publisher = this->publisher();
    publish(publisher, commit);
  }
  const ino_t tree = inode(live());
  const ino_t file = inode(live() / "folder-1/page-1.md");
  const ino_t link_inode = inode(link());
  Publisher publisher = this->publisher();
  CHECK_FALSE(publish(publisher, commit).has_value());
  CHECK(inode(live()) == tree);
  CHECK(inode(live() / "folder-1/page-1.md") == file);
  CHECK(inode(link()) == link_inode);
}

TEST_CASE_FIXTURE(PublishedRoot, "a live tree that is damaged or gone is put right under its name") {
  const Tree tree = numbered(30);
  const std::string commit = git.commit(tree);
  Publisher publisher = this->publisher();
  publish(publisher, commit);
  const fs::path at = live();
  SUBCASE("a file is gone") { fs::remove(at / "folder-1/page-1.md"); }
  SUBCASE("a file was altered") { write_file(at / "folder-1/page-1.md", "other\n"); }
  SUBCASE("a file has another mode") { fs::permissions(at / "folder-1/page-1.md", fs::perms(0600)); }
  SUBCASE("a file was replaced by one of the same content") {
    fs::copy_file(at / "folder-1/page-1.md", directory / "copy");
    fs::rename(directory / "copy", at / "folder-1/page-1.md");
  }
  SUBCASE("a folder is where a file was") {
    fs::remove(at / "folder-1/page-1.md");
    fs::create_directory(at / "folder-1/page-1.md");
  }
  SUBCASE("a symbolic link is where a folder was") {
    fs::rename(at / "folder-1", directory / "folder-1");
    fs::create_directory_symlink(directory / "folder-1", at / "folder-1");
  }
  SUBCASE("the tree is gone") { fs::remove_all(at); }
  SUBCASE("its .git file is gone") { fs::remove(at / ".git"); }
  SUBCASE("a commit was made in it") { git_in_link({"commit", "--quiet", "--allow-empty", "-m", "here"}); }
  SUBCASE("its record is gone") { fs::remove(root / ".git/worktrees" / commit / "index"); }
  SUBCASE("its record is damaged") { fs::resize_file(root / ".git/worktrees" / commit / "index", 500); }
  SUBCASE("its repository's part is gone") { fs::remove_all(root / ".git/worktrees"); }
  SUBCASE("the link is gone") { fs::remove(link()); }
  SUBCASE("the link leads elsewhere") {
    fs::remove(link());
    fs::create_symlink("/etc", link());
  }
  CHECK(publish(publisher, commit).has_value());
  CHECK(live() == at);
  CHECK(files_below(live()) == tree);
  CHECK(git_in_link({"status", "--porcelain"}) == "");
  CHECK(publisher.published()->hex() == commit);
  publisher.clean_and_wait({});
  CHECK(files_below(live()) == tree);
}

TEST_CASE_FIXTURE(PublishedRoot, "published() notices at once that a tree is gone or was committed to") {
  Publisher publisher = this->publisher();
  CHECK_FALSE(publisher.published().has_value());
  const std::string commit = git.commit(numbered(3));
  publish(publisher, commit);
  CHECK(publisher.published()->hex() == commit);
  SUBCASE("the tree") { fs::remove_all(live()); }
  SUBCASE("a commit") { git_in_link({"commit", "--quiet", "--allow-empty", "-m", "here"}); }
  SUBCASE("the link") { fs::remove(link()); }
  CHECK_FALSE(publisher.published().has_value());
}

TEST_CASE_FIXTURE(PublishedRoot, "what lies at the new tree's name gives way") {
  Publisher publisher = this->publisher();
  publish(publisher, git.commit(numbered(3)));
  const Tree tree = numbered(4);
  const std::string commit = git.commit(tree);
  const fs::path at = root / ".worktrees" / commit;
  SUBCASE("a partial tree") {
    fs::create_directories(at / "folder-0");
    write_file(at / "folder-0/left-over", "x");
    fs::create_directories(root / ".git/worktrees" / commit);
    write_file(root / ".git/worktrees" / commit / "locked", "");
  }
  SUBCASE("a file") { write_file(at, "x"); }
  SUBCASE("a symbolic link") { fs::create_symlink(directory.path(), at); }
  publish(publisher, commit);
  publisher.clean_and_wait({});
  CHECK(files_below(live()) == tree);
  CHECK(git_in_link({"status", "--porcelain", "--ignored"}) == "");
}

TEST_CASE_FIXTURE(PublishedRoot, "clean leaves the live tree alone in its folder") {
  Publisher publisher = this->publisher();
  publish(publisher, git.commit(numbered(3)));
  const Tree tree = numbered(5);
  const std::string commit = git.commit(tree);
  publish(publisher, commit);
  fs::create_directories(root / ".worktrees/not_a_hash/below");
  write_file(root / ".worktrees/not_a_directory", "x");
  fs::create_directories(root / ".worktrees/.new-0123456789abcdef/tree");
  fs::create_directories(root / ".worktrees/.old-0123456789abcdef/below");
  fs::create_symlink("nowhere", root / ".link.new-0123456789abcdef");
  write_file(root / "mine", "x");
  Publisher next = this->publisher();
  next.clean_and_wait({});
  const auto names = [](const fs::path& folder) {
    std::set<std::string> result;
    for (const auto& entry : fs::directory_iterator(folder)) result.insert(entry.path().filename());
    return result;
  };
  CHECK(names(root) == std::set<std::string>{".git", ".worktrees", "link", "mine"});
  CHECK(names(root / ".worktrees") == std::set<std::string>{commit});
  CHECK(names(root / ".git/worktrees") == std::set<std::string>{commit});
  CHECK(files_below(live()) == tree);
}

TEST_CASE_FIXTURE(PublishedRoot, "the link may be absolute or in a folder that is not there yet") {
  const Tree tree = numbered(2);
  const std::string commit = git.commit(tree);
  SUBCASE("below the root the target is relative") {
    Publisher publisher(root, "a/b/link", {}, log);
    publish(publisher, commit);
    CHECK(fs::read_symlink(root / "a/b/link") == fs::path("../../.worktrees") / commit);
    CHECK(files_below(fs::canonical(root / "a/b/link")) == tree);
  }
  SUBCASE("elsewhere it is absolute") {
    Publisher publisher(root, directory / "elsewhere/link", {}, log);
    publish(publisher, commit);
    CHECK(fs::read_symlink(directory / "elsewhere/link") == root / ".worktrees" / commit);
    CHECK(publisher.published()->hex() == commit);
  }
  SUBCASE("the root may be reached through a symbolic link") {
    fs::create_directory_symlink(root, directory / "alias");
    Publisher publisher(directory / "alias", "link", {}, log);
    publish(publisher, commit);
    CHECK(files_below(live()) == tree);
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "a link is refused where it would replace something else") {
  fs::create_directory(root / "folder");
  write_file(root / "file", "x");
  for (const char* name : {"folder", "file", "..", ".git/link", ".worktrees", ".worktrees/x", "folder/"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(Publisher(root, name, {}, log), ConfigError);
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "without a checkout only the .git file is published, and git can read the history there") {
  Publisher publisher = this->publisher(Checkout::none);
  const std::string commit = git.commit(numbered(20));
  publish(publisher, commit);
  CHECK(files_below(live()).empty());
  CHECK(trimmed(git_in_link({"rev-parse", "HEAD"})) == commit);
  CHECK(git_in_link({"show", "HEAD:folder-1/page-1.md"}) == "page 1\n");
  CHECK_FALSE(publish(publisher, commit).has_value());
  SUBCASE("and a later process with a checkout fills it") {
    Publisher full = this->publisher();
    CHECK(publish(full, commit).has_value());
    CHECK(files_below(live()) == numbered(20));
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "line ends and keywords are as git checks them out, and follow a changed .gitattributes") {
  Tree tree = {{".gitattributes", {"100644", "*.txt text eol=crlf\n*.id ident\n*.bin -text\n"}},
               {"a.txt", {"100644", "one\ntwo\n"}},
               {"b.md", {"100644", "one\ntwo\n"}},
               {"c.id", {"100644", "$Id$\n"}},
               {"d/.gitattributes", {"100644", "*.md eol=crlf\n"}},
               {"d/e.md", {"100644", "one\n"}},
               {"f.bin", {"100644", "one\n"}}};
  Publisher publisher = this->publisher();
  for (int round = 0; round < 3; ++round) {
    if (round == 1) tree["g.txt"].content = "new\n";
    if (round == 2) tree["d/.gitattributes"].content = "*.md eol=lf\n";
    const std::string commit = git.commit(tree);
    const auto counts = publish(publisher, commit);
    const fs::path expected = directory / ("expected-" + std::to_string(round));
    run({"git", "clone", "--quiet", git.url(), expected.string()}, {}, GitRepository::environment());
    Tree checked_out = files_below(expected);
    std::erase_if(checked_out, [](const auto& entry) { return entry.first.starts_with(".git/"); });
    CHECK(files_below(live()) == checked_out);
    CHECK(git_in_link({"status", "--porcelain"}) == "");
    CHECK(counts->linked == (round == 1 ? 7 : 0));
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "a tree as deep as git/ allows needs no more descriptors than a flat one") {
  std::string deep;
  for (int i = 0; i < 400; ++i) deep += "d/";
  Tree tree = {{deep + "file", {"100644", "deep\n"}}, {"d/d/zz/file", {"100644", "shallow\n"}}, {"e", {"100644", "e"}}};
  Publisher publisher = this->publisher();
  publish(publisher, git.commit(tree));
  tree["e"].content = "f";
  const auto counts = publish(publisher, git.commit(tree));
  CHECK(counts->linked == 2);
  CHECK(read_file(live() / (deep + "file")) == "deep\n");
  CHECK(read_file(live() / "d/d/zz/file") == "shallow\n");
}
