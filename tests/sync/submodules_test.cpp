// Submodules from real servers, published by a whole pass.
#include "sync/repository/submodules.hpp"

#include "sync/submodules_fixture.hpp"

using namespace tidemark;
using namespace tidemark::testing;

namespace {

// Each of `names` was asked at least once, and nothing else.
std::set<std::string> asked(RequestLog& requests) {
  std::set<std::string> names;
  for (const auto& request : requests.take()) {
    const std::string path = request["path"];
    names.insert(path.substr(1, path.find('/', 1) - 1));
  }
  return names;
}

}  // namespace

TEST_CASE_FIXTURE(SubmodulesFixture, "submodules and those within them are published with the commit that names them, over each transport") {
  std::string url = super.path().string();
  std::unique_ptr<GitDaemon> daemon;
  std::unique_ptr<GitHttpServer> http;
  SUBCASE("a path") {}
  SUBCASE("git://") {
    daemon = std::make_unique<GitDaemon>(served);
    url = daemon->url("super.git");
  }
  SUBCASE("http://") {
    http = std::make_unique<GitHttpServer>(served);
    url = http->url("super.git");
  }
  follow(url);
  CHECK(publishes());
  check_published();
  CHECK_FALSE(publishes());
  commit_inner("two");
  CHECK(publishes());
  check_published();
  follow(url);
  publishes();
  check_published();
  CHECK(repositories() == std::set<std::string>{"lib", "lib+in"});
}

TEST_CASE_FIXTURE(SubmodulesFixture,
                  "a look with nothing new asks no submodule's server, nor does a restart; an update asks only those that changed") {
  RequestLog requests{directory / "requests"};
  const GitHttpServer server(served, {"--log", requests.file()});
  using Names = std::set<std::string>;
  follow(server.url("super.git"));
  publishes();
  CHECK(asked(requests) == Names{"super.git", "lib.git", "inner.git"});
  publishes();
  CHECK(asked(requests) == Names{"super.git"});
  follow(server.url("super.git"));
  publishes();
  CHECK(asked(requests) == Names{"super.git"});
  own["more"] = {"100644", "more"};
  commit_super();
  publishes();
  CHECK(asked(requests) == Names{"super.git"});
  commit_lib("changed");
  publishes();
  CHECK(asked(requests) == Names{"super.git", "lib.git"});
  check_published();
}

TEST_CASE_FIXTURE(SubmodulesFixture, "--submodules=shallow stops after one level and off before it, and another choice makes the tree anew") {
  settings.submodules = SubmoduleNesting::off;
  follow(super.path().string());
  publishes();
  CHECK(fs::is_empty(root / "link/lib"));
  CHECK_FALSE(fs::exists(root / ".git/modules/lib"));
  settings.submodules = SubmoduleNesting::shallow;
  follow(super.path().string());
  CHECK(publishes());
  CHECK(published("lib/file") == "lib one");
  CHECK(fs::is_empty(root / "link/lib/deep/inner"));
  CHECK(repositories() == std::set<std::string>{"lib"});
  settings.submodules = SubmoduleNesting::recursive;
  follow(super.path().string());
  CHECK(publishes());
  check_published();
  settings.submodules = SubmoduleNesting::off;
  follow(super.path().string());
  CHECK(publishes());
  CHECK(fs::is_empty(root / "link/lib"));
  own["more"] = {"100644", "more"};
  commit_super();
  publishes();
  CHECK(repositories().empty());
}

TEST_CASE_FIXTURE(SubmodulesFixture, "without a checkout submodules are not fetched") {
  settings.checkout = sync::Checkout::none;
  follow(super.path().string());
  CHECK(publishes());
  CHECK_FALSE(fs::exists(root / ".git/modules"));
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a submodule that can't be fetched fails the pass by its name, the old tree stays, and it heals") {
  const GitHttpServer server(served);
  follow(server.url("super.git"));
  publishes();
  const std::string before = commit;
  const std::string old_inner = inner_commit;
  commit_inner("two");
  fs::rename(inner.path(), directory / "away");
  const std::string said = failure();
  CAPTURE(said);
  CHECK(has(said, "submodule 'lib/deep/inner': fetch from " + server.url("inner.git")));
  CHECK(has(said, "404"));
  CHECK(has(said, "check its URL in .gitmodules"));
  CHECK(live() == before);
  CHECK(published("lib/deep/inner/inner") == "one");
  CHECK(synchronizer->ready());
  fs::rename(directory / "away", inner.path());
  CHECK(publishes());
  check_published();
  // A commit that nobody pushed.
  inner_commit = std::string(40, '1');
  commit_lib("three");
  CHECK(has(failure(), "push it there"));
  CHECK(published("lib/deep/inner/inner") == "two");
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a submodule without an entry, without a URL or with update = none is an empty folder") {
  own["stray"] = {"160000", std::string(40, '1')};
  own["no-url"] = {"160000", std::string(40, '2')};
  own["none"] = {"160000", std::string(40, '3')};
  own["elsewhere"] = {"160000", std::string(40, '4')};
  modules.push_back({"none", "none", "../missing.git", "update = none"});
  modules.push_back({"e", "else/where", "../missing.git"});
  commit_super();
  super.commit([&] {
    Tree tree = own;
    tree["lib"] = {"160000", lib_commit};
    tree[".gitmodules"] = {"100644", gitmodules(modules) + "[submodule \"n\"]\n\tpath = no-url\n"};
    return tree;
  }());
  follow(super.path().string());
  CHECK(publishes());
  for (const char* path : {"stray", "no-url", "none", "elsewhere"}) CHECK(fs::is_empty(root / "link" / path));
  CHECK(published("lib/file") == "lib one");
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a submodule that is no longer there leaves no repository, and one that comes back is fetched again") {
  follow(super.path().string());
  publishes();
  const std::string with = commit;
  const std::string without = super.commit({{"own", {"100644", "own"}}});
  CHECK(publishes());
  CHECK_FALSE(fs::exists(root / "link/lib"));
  CHECK(repositories().empty());
  super.git({"update-ref", "refs/heads/main", with});
  CHECK(publishes());
  check_published();
  CHECK(without != with);
}

TEST_CASE_FIXTURE(SubmodulesFixture, "another URL of a submodule is followed, in the same repository") {
  follow(super.path().string());
  publishes();
  const GitRepository other = repository("other");
  lib_commit = other.commit({{"file", {"100644", "from the other"}}});
  modules = {{"lib", "lib", "../other.git"}};
  commit_super();
  CHECK(publishes());
  CHECK(published("lib/file") == "from the other");
  CHECK(trimmed(run({"git", "-C", (root / ".git/modules/lib").string(), "config", "remote.origin.url"}, {}, GitRepository::environment())) ==
        (served / "other.git").string());
}

TEST_CASE_FIXTURE(SubmodulesFixture, "damaged objects and a damaged repository of a submodule are fetched again") {
  follow(super.path().string());
  publishes();
  const fs::path repository = root / ".git/modules/lib";
  SUBCASE("its commit") {
    commit_lib("two");
    fs::create_directories(repository / "objects" / lib_commit.substr(0, 2));
    write_file(repository / "objects" / lib_commit.substr(0, 2) / lib_commit.substr(2), "x");
  }
  SUBCASE("its configuration, found by the next process") {
    write_file(repository / "config", "[[[");
    commit_lib("two");
    follow(super.path().string());
  }
  SUBCASE("what its refs name, as a crash that left an index of a pack empty would") {
    fs::remove_all(repository / "objects");
    fs::create_directories(repository / "objects/pack");
    commit_lib("two");
  }
  SUBCASE("all of it") {
    fs::remove_all(repository);
    commit_lib("two");
  }
  SUBCASE("a file") {
    commit_lib("two");
    const std::string blob = lib.git_line({"rev-parse", lib_commit + ":file"});
    fs::create_directories(repository / "objects" / blob.substr(0, 2));
    write_file(repository / "objects" / blob.substr(0, 2) / blob.substr(2), "x");
  }
  CHECK(publishes());
  check_published();
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a repair of a submodule that fails as its server is away is tried again when it is back") {
  follow(super.path().string());
  publishes();
  commit_lib("two");
  const fs::path commit_file = root / ".git/modules/lib/objects" / lib_commit.substr(0, 2) / lib_commit.substr(2);
  fs::create_directories(commit_file.parent_path());
  write_file(commit_file, "x");
  fs::rename(lib.path(), directory / "away");
  for (int i = 0; i < 2; ++i) CHECK(has(failure(), "submodule 'lib': fetch from " + lib.path().string()));
  CHECK(published("lib/file") == "lib one");
  fs::rename(directory / "away", lib.path());
  CHECK(publishes());
  check_published();
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a look through the live tree that takes longer than --sync-timeout does not keep the next pass from news") {
  const std::string port = std::to_string(free_port());
  auto lib_server = std::make_unique<GitHttpServer>(served, std::vector<std::string>{"--port", port});
  modules = {{"lib", "lib", lib_server->url("lib.git")}};
  commit_super();
  settings.sweep_period = std::chrono::milliseconds(1);
  follow(super.path().string());
  publishes();
  check_published();
  // What has to be fetched for the look never comes, and upstream does without it.
  lib_server.reset();
  lib_server = std::make_unique<GitHttpServer>(served, std::vector<std::string>{"--port", port, "--hang", "refs"});
  fs::remove_all(root / ".git/modules/lib");
  const std::string next = super.commit({{"own", {"100644", "two"}}});
  settings.sync_timeout = std::chrono::milliseconds(500);
  CHECK(has(failure(), "took longer than --sync-timeout=500ms: "));
  lib_server->wait_for_hang();
  CHECK(live() == commit);
  settings.sync_timeout = std::chrono::seconds(30);
  CHECK(publishes());
  CHECK(live() == next);
  CHECK(published("own") == "two");
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a place on this machine is refused as a submodule of what comes from elsewhere") {
  const GitHttpServer server(served);
  for (const std::string& url : {lib.path().string(), lib.url(), std::string("lib.git")}) {
    CAPTURE(url);
    modules = {{"lib", "lib", url}};
    commit_super();
    follow(server.url("super.git"));
    CHECK(has(failure(), "submodule 'lib': its URL " + url + " is a place on this machine"));
  }
  modules = {{"lib", "lib", lib.url()}};
  commit_super();
  follow(super.url());
  CHECK(publishes());
}

TEST_CASE_FIXTURE(SubmodulesFixture,
                  "the password of --repo goes to no other host, and a submodule has one of its own by --credential or in its URL") {
  RequestLog at_main{directory / "main-requests"};
  RequestLog at_other{directory / "other-requests"};
  const GitHttpServer main(served, {"--log", at_main.file(), "--user", "main", "--password", "main-secret"});
  const GitHttpServer other(served, {"--log", at_other.file(), "--user", "other", "--password", "other-secret"});
  settings.username = "main";
  settings.password = "main-secret";
  modules = {{"lib", "lib", other.url("lib.git")}};
  std::string expected = "other:other-secret";
  bool succeeds = true;
  SUBCASE("none") { succeeds = false; }
  SUBCASE("by --credential") { settings.credentials = {{other.url(""), "other", "other-secret", ""}}; }
  SUBCASE("in its URL") {
    modules = {{"lib", "lib", other.url("lib.git", "other:other-secret")}};
    lib_commit = lib.commit({{"file", {"100644", "alone"}}});
  }
  SUBCASE("a user in its URL, the password by --credential") {
    modules = {{"lib", "lib", other.url("lib.git", "other")}};
    settings.credentials = {{other.url(""), "other", "other-secret", ""}};
  }
  commit_super();
  follow(main.url("super.git"));
  const std::string said = failure();
  CAPTURE(said);
  CHECK(said.empty() == succeeds);
  CHECK_FALSE(has(said, "secret"));
  if (!succeeds) CHECK(has(said, "--credential"));
  for (const auto& request : at_other.take()) CHECK((request["login"] == "" || request["login"] == expected));
  for (const char* config : {"config", "modules/lib/config"}) CHECK_FALSE(has(read_file(root / ".git" / config), "secret"));
}
