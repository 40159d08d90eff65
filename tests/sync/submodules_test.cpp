// Submodules from real servers, published by a whole pass.
#include "sync/submodules.hpp"

#include <doctest/doctest.h>

#include "daemon/error.hpp"
#include "sync/published_root.hpp"
#include "sync/servers.hpp"
#include "sync/synchronizer.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using sync::SubmoduleNesting;
using sync::Synchronizer;
namespace fs = std::filesystem;

namespace {

struct Module {
  std::string name, path, url;
  std::string more = {};
};

std::string gitmodules(const std::vector<Module>& modules) {
  std::string text;
  for (const auto& [name, path, url, more] : modules)
    text += "[submodule \"" + name + "\"]\n\tpath = " + path + "\n\turl = " + url + "\n" + (more.empty() ? "" : "\t" + more + "\n");
  return text;
}

// super.git has lib.git at "lib", which has inner.git at "deep/inner"; all URLs are relative.
struct Fixture {
  git::Library library;
  TemporaryDirectory directory;
  fs::path served = directory / "served";
  fs::path root = directory / "root";
  bool made = fs::create_directory(served);
  GitRepository super = repository("super");
  GitRepository lib = repository("lib");
  GitRepository inner = repository("inner");
  std::vector<Module> modules = {{"lib", "lib", "../lib.git"}};
  Tree own = {{"own", {"100644", "own"}}};
  std::string inner_commit, lib_commit, commit;
  sync::SyncSettings settings;
  Wakeup wakeup;
  Metrics metrics;
  Log log{LogFormat::text, LogLevel::error};
  std::unique_ptr<Synchronizer> synchronizer;

  Fixture() {
    ::umask(0022);
    commit_inner("one");
  }
  GitRepository repository(const std::string& name) const {
    GitRepository made_now(served / (name + ".git"));
    made_now.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
    return made_now;
  }
  // Each commits what is above it, too.
  void commit_inner(const std::string& text) {
    inner_commit = inner.commit({{"inner", {"100644", text}}});
    commit_lib("lib " + text);
  }
  void commit_lib(const std::string& text) {
    lib_commit = lib.commit(
        {{"file", {"100644", text}}, {"deep/inner", {"160000", inner_commit}}, {".gitmodules", {"100644", gitmodules({{"in", "deep/inner", "../inner.git"}})}}});
    commit_super();
  }
  void commit_super() {
    Tree tree = own;
    tree["lib"] = {"160000", lib_commit};
    tree[".gitmodules"] = {"100644", gitmodules(modules)};
    commit = super.commit(tree);
  }

  void follow(const std::string& url) {
    synchronizer.reset();
    settings.repo = url;
    settings.root = root.string();
    settings.link = "link";
    synchronizer = std::make_unique<Synchronizer>(settings, wakeup, metrics, log);
  }
  bool publishes() { return synchronizer->sync_once({}) == Synchronizer::Outcome::published; }
  // Why a pass fails, or "".
  std::string failure() {
    try {
      synchronizer->sync_once({});
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  std::string live() const { return fs::read_symlink(root / "link").filename(); }
  std::string published(const std::string& path) const { return read_file(root / "link" / path); }
  std::string git_at(const std::string& path, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-C", (root / "link" / path).string()});
    return trimmed(run(arguments, {}, GitRepository::environment()));
  }
  void check_published() const {
    CHECK(live() == commit);
    CHECK(published("own") == "own");
    CHECK(published("lib/file") == lib.git({"show", lib_commit + ":file"}));
    CHECK(published("lib/deep/inner/inner") == inner.git({"show", inner_commit + ":inner"}));
    for (const std::string path : {"", "lib", "lib/deep/inner"}) {
      CAPTURE(path);
      CHECK(git_at(path, {"status", "--porcelain", "--ignored"}) == "");
    }
    CHECK(git_at("lib", {"rev-parse", "HEAD"}) == lib_commit);
    CHECK(git_at("lib/deep/inner", {"rev-parse", "HEAD"}) == inner_commit);
    CHECK(git_at("", {"submodule", "status"}) == " " + lib_commit + " lib (tidemark/fetched)");
  }
  std::set<std::string> repositories() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root / ".git/modules"))
      if (!entry.path().filename().string().starts_with('.')) names.insert(entry.path().filename());
    return names;
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

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

TEST_CASE_FIXTURE(Fixture, "submodules and those within them are published with the commit that names them, over each transport") {
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

TEST_CASE_FIXTURE(Fixture, "a look with nothing new asks no submodule's server, nor does a restart; an update asks only those that changed") {
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

TEST_CASE_FIXTURE(Fixture, "--submodules=shallow stops after one level and off before it, and another choice makes the tree anew") {
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

TEST_CASE_FIXTURE(Fixture, "without a checkout submodules are not fetched") {
  settings.checkout = sync::Checkout::none;
  follow(super.path().string());
  CHECK(publishes());
  CHECK_FALSE(fs::exists(root / ".git/modules"));
}

TEST_CASE_FIXTURE(Fixture, "a submodule that can't be fetched fails the pass by its name, the old tree stays, and it heals") {
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

TEST_CASE_FIXTURE(Fixture, "a submodule without an entry, without a URL or with update = none is an empty folder") {
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

TEST_CASE_FIXTURE(Fixture, "a submodule that is no longer there leaves no repository, and one that comes back is fetched again") {
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

TEST_CASE_FIXTURE(Fixture, "another URL of a submodule is followed, in the same repository") {
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

TEST_CASE_FIXTURE(Fixture, "damaged objects and a damaged repository of a submodule are fetched again") {
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

TEST_CASE_FIXTURE(Fixture, "a place on this machine is refused as a submodule of what comes from elsewhere") {
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

TEST_CASE_FIXTURE(Fixture, "the password of --repo goes to no other host, and a submodule has one of its own by --credential or in its URL") {
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

TEST_CASE_FIXTURE(Fixture, "hostile entries are refused by the submodule's name, and nothing is written elsewhere") {
  follow(super.path().string());
  publishes();
  const std::string before = commit;
  std::string words;
  SUBCASE("a name that leads out") {
    modules = {{"../../x", "lib", "../lib.git"}};
    words = "its name leads out of its folder";
  }
  SUBCASE("a URL that is an option") {
    modules = {{"lib", "lib", "--upload-pack=touch " + (directory / "touched").string()}};
    words = "its URL begins with a '-'";
  }
  SUBCASE("a program as a way to update") {
    modules = {{"lib", "lib", "../lib.git", "update = !touch " + (directory / "touched").string()}};
    words = "its update is none of";
  }
  SUBCASE("a URL that is a program") {
    modules = {{"lib", "lib", "ext::touch " + (directory / "touched").string()}};
    words = "it names a program to fetch with";
  }
  SUBCASE("a quote in a path over ssh") {
    modules = {{"lib", "lib", "ssh://git@127.0.0.1:1/x';touch '/tmp/touched"}};
    words = "there must be no ' in it";
  }
  SUBCASE("a quote in a path over ssh in other words") {
    modules = {{"lib", "lib", "git@127.0.0.1:x%27;touch"}};
    words = "there must be no ' in it";
  }
  SUBCASE("10,000 submodules") {
    for (int i = 0; i < 10'000; ++i) {
      const std::string name = "m" + std::to_string(i);
      own[name] = {"160000", lib_commit};
      modules.push_back({name, name, "../lib.git"});
    }
    words = "more than 1000 submodules";
  }
  commit_super();
  const std::string said = failure();
  CAPTURE(said);
  CHECK(has(said, words));
  CHECK(live() == before);
  CHECK_FALSE(fs::exists(directory / "touched"));
  CHECK_FALSE(fs::exists(directory / "x"));
  CHECK_FALSE(fs::exists(root / "x"));
  CHECK_FALSE(fs::exists(root / ".git/x"));
}

TEST_CASE_FIXTURE(Fixture, "10,000 entries of .gitmodules without submodules, and paths that lead out, concern nobody") {
  for (int i = 0; i < 10'000; ++i) modules.push_back({"m" + std::to_string(i), "../m" + std::to_string(i), "../lib.git"});
  commit_super();
  follow(super.path().string());
  CHECK(publishes());
  CHECK(repositories() == std::set<std::string>{"lib", "lib+in"});
  CHECK_FALSE(fs::exists(directory / "m1"));
}

TEST_CASE_FIXTURE(Fixture, "a symbolic link at a submodule's place leads nothing out of the tree") {
  fs::create_directory(directory / "outside");
  const auto raw = [](const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
  };
  const auto commit_of = [&](const GitRepository& git, const std::string& tree) {
    const std::string hex = git.git_line({"commit-tree", tree, "-m", "m"});
    git.git({"update-ref", "refs/heads/main", hex});
    return hex;
  };
  const auto hostile = [&](const GitRepository& git, const std::string& at, const std::string& below, const std::string& gitlink, const std::string& entries) {
    const std::string link = git.write_object("blob", (directory / "outside").string());
    const std::string modules_blob = git.write_object("blob", entries);
    const std::string folder = git.write_object("tree", "160000 " + below + '\0' + raw(gitlink));
    return git.write_object("tree", std::string("100644 .gitmodules") + '\0' + raw(modules_blob) + "120000 " + at + '\0' + raw(link) + "40000 " + at + '\0' + raw(folder));
  };
  SUBCASE("in the superproject") { commit_of(super, hostile(super, "dir", "lib", lib_commit, gitmodules({{"lib", "dir/lib", "../lib.git"}}))); }
  SUBCASE("in a submodule") {
    lib_commit = commit_of(lib, hostile(lib, "dir", "inner", inner_commit, gitmodules({{"in", "dir/inner", "../inner.git"}})));
    commit_super();
  }
  follow(super.path().string());
  CHECK(failure() != "");
  CHECK(fs::is_empty(directory / "outside"));
  CHECK_FALSE(fs::exists(root / "link"));
}

TEST_CASE_FIXTURE(Fixture, "a repository within itself ends: as it does where that is soon, and by a refusal where it is not") {
  const auto nested = [&](int levels) {
    std::string last = lib.commit({{"file", {"100644", "0"}}});
    for (int i = 1; i <= levels; ++i)
      last = lib.commit({{"file", {"100644", std::to_string(i)}}, {"me", {"160000", last}}, {".gitmodules", {"100644", gitmodules({{"me", "me", "./"}})}}}, "refs/heads/main", last);
    return last;
  };
  lib_commit = nested(4);
  commit_super();
  follow(super.path().string());
  CHECK(publishes());
  CHECK(published("lib/me/me/me/me/file") == "0");
  lib_commit = nested(40);
  commit_super();
  CHECK(has(failure(), "nested more than 32 deep"));
  CHECK(published("lib/file") == "4");
}
