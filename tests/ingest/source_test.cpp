// Reading what is published: git-sync's layout wherever its link stands, and what makes two URLs one origin.
#include "ingest/source.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>

#include "daemon/error.hpp"
#include "git/error.hpp"
#include "ingest/agent.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using testing::Tree;
using testing::Volume;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  const git::Library& library = testing::libgit2();
  testing::TemporaryDirectory folder;
  Volume volume{folder / "git"};
  std::string commit = volume.publish(Tree{{"a.md", {"100644", "# A\n"}}});
};

void check_readable(const Source& source, const std::string& commit) {
  REQUIRE(source.published());
  CHECK(source.published()->hex() == commit);
  const auto store = source.open();
  CHECK(store->revision(*source.published()).commit.hex() == commit);
  CHECK(source.identity(*store) == SourceIdentity{"docs", "https://host.example/team/docs.git"});
}

// Calls `meanwhile` when a reader has opened `pipe`, and lets the reader go on after it.
std::jthread when_opened(const fs::path& pipe, std::function<void()> meanwhile) {
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  return std::jthread([pipe, meanwhile = std::move(meanwhile)] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    int writer = -1;
    while (writer < 0 && std::chrono::steady_clock::now() < deadline) {
      writer = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);  // succeeds as soon as there is a reader
      std::this_thread::yield();
    }
    if (writer < 0) return;
    meanwhile();
    ::close(writer);
  });
}

}  // namespace

TEST_CASE("the link is read wherever git-sync puts it") {
  Fixture f;
  SUBCASE("in the root, relative") { check_readable(Source(f.volume.link(), ""), f.commit); }
  SUBCASE("with a slash behind it") { check_readable(Source(f.volume.link().string() + "/", ""), f.commit); }
  SUBCASE("in a subdirectory") {
    fs::create_directories(f.volume.root() / "sub/dir");
    fs::create_symlink("../../.worktrees/" + f.commit, f.volume.root() / "sub/dir/link");
    check_readable(Source(f.volume.root() / "sub/dir/link", ""), f.commit);
  }
  SUBCASE("outside of the root, absolute") {
    fs::create_symlink(f.volume.root() / ".worktrees" / f.commit, f.folder / "link");
    check_readable(Source(f.folder / "link", ""), f.commit);
  }
  SUBCASE("through a root that is itself a symbolic link") {
    fs::create_directory_symlink(f.volume.root(), f.folder / "root");
    check_readable(Source(f.folder / "root/current", ""), f.commit);
  }
  SUBCASE("with the worktree's .git file as git writes it, absolute") {
    std::ofstream(f.volume.root() / ".worktrees" / f.commit / ".git")
        << "gitdir: " << (f.volume.root() / ".git/worktrees" / f.commit).string() << "\n";
    check_readable(Source(f.volume.link(), ""), f.commit);
  }
  SUBCASE("with a .git file that leads to the repository itself") {
    std::ofstream(f.volume.root() / ".worktrees" / f.commit / ".git") << "gitdir: ../../.git\n";
    check_readable(Source(f.volume.link(), ""), f.commit);
  }
}

TEST_CASE("no link is no revision; a link that leads elsewhere is an error") {
  Fixture f;
  CHECK_FALSE(Source(f.folder / "git/nothing", "").published());
  CHECK_FALSE(Source(f.folder / "no/such/folder", "").published());
  CHECK_THROWS_AS(Source(f.folder / "no/such/folder", "").open(), TransientError);
  CHECK_THROWS_AS(Source(f.volume.root() / ".git", "").published(), TransientError);
  f.volume.flip(".worktrees");
  CHECK_THROWS_AS(Source(f.volume.link(), "").published(), TransientError);
}

TEST_CASE("a worktree that goes while its repository is being opened is no error when the link has left it") {
  Fixture f;
  const Source source(f.volume.link(), "");
  const auto worktree = f.volume.root() / ".worktrees" / f.commit;
  // The repository behind the first worktree takes as long to open as the test likes, and turns out to be none.
  fs::create_directory(f.folder / "slow");
  std::ofstream(worktree / ".git") << "gitdir: " << (f.folder / "slow").string() << "\n";
  const auto second = f.volume.commit(Tree{{"b.md", {"100644", "# B\n"}}}, f.commit);
  const auto goes = [&] { fs::remove_all(worktree); };
  const auto moves = [&] {
    f.volume.publish(second);
    goes();
  };
  SUBCASE("opened") {
    const auto push = when_opened(f.folder / "slow/commondir", moves);
    const auto store = source.open();
    CHECK(store->revision(*git::Oid::parse(second)).commit.hex() == second);
    CHECK(source.identity(*store) == SourceIdentity{"docs", "https://host.example/team/docs.git"});
  }
  SUBCASE("but is one when the link still names it") {
    const auto removal = when_opened(f.folder / "slow/commondir", goes);
    CHECK_THROWS_AS(source.open(), git::Error);
  }
}

TEST_CASE("the source's name is given, or taken from the origin, and a source without both says what to do") {
  Fixture f;
  const auto identity_with = [&](std::string name) {
    const Source source(f.volume.link(), std::move(name));
    return source.identity(*source.open());
  };
  CHECK(identity_with("given").name == "given");
  f.volume.git({"config", "remote.origin.url", "https://user:secret@host.example/team/docs.git"});
  CHECK(identity_with("").origin == "https://host.example/team/docs.git");
  f.volume.git({"config", "--unset", "remote.origin.url"});
  CHECK(identity_with("given") == SourceIdentity{"given", ""});
  CHECK_THROWS_WITH_AS(identity_with(""), doctest::Contains("--source-name"), StalledError);
}

TEST_CASE("origin_key is what makes two URLs one origin") {
  struct Row {
    const char* url;
    const char* key;
  };
  for (const auto& [url, key] : {Row{"https://host/a/b", "host/a/b"},
                                 Row{"https://user@host:443/a/b.git", "host/a/b"},
                                 Row{"http://u:p@HOST/a/b/", "host/a/b"},
                                 Row{"git@host:a/b", "host/a/b"},
                                 Row{"git@host:/a/b.git", "host/a/b"},
                                 Row{"host:a/b.git", "host/a/b"},
                                 Row{"ssh://git@host:22/a/b.git", "host/a/b"},
                                 Row{"ssh://git@host:2222/a/b", "host:2222/a/b"},
                                 Row{"git://host:9418/a/b", "host/a/b"},
                                 Row{"https://host:8443/a/b", "host:8443/a/b"},
                                 Row{"/srv/a/b", "/srv/a/b"},
                                 Row{"/srv/a/b.git", "/srv/a/b"},
                                 Row{"/srv/a/b/.git", "/srv/a/b"},
                                 Row{"file:///srv/a/b.git", "/srv/a/b"},
                                 Row{"file://localhost/srv/a/b", "/srv/a/b"},
                                 Row{"/srv/x.bundle", "/srv/x.bundle"},
                                 Row{"../a:b/c", "../a:b/c"},
                                 Row{"https://host/A/b", "host/A/b"},
                                 Row{"https://user@x@host/a", "host/a"},
                                 Row{"", ""},
                                 Row{"https://host", "host"},
                                 Row{"https://", ""}}) {
    CAPTURE(url);
    CHECK(origin_key(url) == key);
  }
}

TEST_CASE("no credentials are left in an origin that is shown") {
  CHECK(without_credentials("https://user:secret@host/a") == "https://host/a");
  CHECK(without_credentials("https://token@host/a@b") == "https://host/a@b");
  CHECK(without_credentials("https://a:b@c@host") == "https://host");
  CHECK(without_credentials("git@host:a/b") == "git@host:a/b");
  CHECK(without_credentials("/srv/a") == "/srv/a");
}

TEST_CASE("the name is the origin's last segment") {
  CHECK(name_from_origin("https://host/team/docs.git") == "docs");
  CHECK(name_from_origin("git@host:docs") == "docs");
  CHECK(name_from_origin("/srv/docs/.git") == "docs");
  CHECK(name_from_origin("/srv/docs.bundle") == "docs");
  CHECK(name_from_origin("") == "");
}
