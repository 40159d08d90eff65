// Reading what is published: git-sync's layout wherever its link stands, and what makes two URLs one origin.
#include "ingest/source.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "daemon/error.hpp"
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
  CHECK(source.open()->revision(*source.published()).commit.hex() == commit);
  CHECK(source.identity() == SourceIdentity{"docs", "https://host.example/team/docs.git"});
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

TEST_CASE("the source's name is given, or taken from the origin, and a source without both says what to do") {
  Fixture f;
  CHECK(Source(f.volume.link(), "given").identity().name == "given");
  f.volume.git({"config", "remote.origin.url", "https://user:secret@host.example/team/docs.git"});
  CHECK(Source(f.volume.link(), "").identity().origin == "https://host.example/team/docs.git");
  f.volume.git({"config", "--unset", "remote.origin.url"});
  CHECK(Source(f.volume.link(), "given").identity() == SourceIdentity{"given", ""});
  CHECK_THROWS_WITH_AS(Source(f.volume.link(), "").identity(), doctest::Contains("--source-name"), StalledError);
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
