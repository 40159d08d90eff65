#include "sync/remote/fetcher.hpp"

#include "sync/fetch_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
using tidemark::git::Oid;
using Fixture = FetchFixture;

namespace {

struct Following : FetchFixture {
  void check_follows(const std::string& url) {
    const std::string first = git.commit({{"a", {"100644", "1"}}, {"d/b", {"100644", "2"}}});
    use(url);
    CHECK(fetcher->resolve({}).name == "HEAD");
    CHECK(fetched() == first);
    check_complete(first);
    const std::string second = git.commit({{"a", {"100644", "changed"}}, {"d/b", {"100644", "2"}}, {"e/f/g", {"100755", "3"}}}, "refs/heads/main", first);
    CHECK(fetched() == second);
    check_complete(second);
    CHECK(fetched() == second);
    use(url);
    CHECK(fetched() == second);
    const std::string forced = git.commit({{"z", {"100644", "unrelated"}}});
    CHECK(fetched() == forced);
    check_complete(forced);
    check_complete(second);
    CHECK(run_any({"git", "-C", root().string(), "fsck", "--connectivity-only", forced}, {}, GitRepository::environment()).status == 0);
  }
};

// Every file below a folder with its time and size.
std::string listing(const std::filesystem::path& folder) { return run({"find", folder.string(), "-printf", "%p %T@ %s\n"}); }

}  // namespace

TEST_CASE_FIXTURE(Following, "a path is followed over updates and force pushes") { check_follows(git.path().string()); }
TEST_CASE_FIXTURE(Following, "a file URL is followed over updates and force pushes") { check_follows(git.url()); }

TEST_CASE_FIXTURE(Following, "git:// is followed over updates and force pushes") {
  const GitDaemon server(served);
  check_follows(server.url("r.git"));
}

TEST_CASE_FIXTURE(Following, "http:// is followed over updates and force pushes") {
  const GitHttpServer server(served);
  check_follows(server.url("r.git"));
}

TEST_CASE_FIXTURE(Following, "ssh:// is followed over updates and force pushes") {
  SshServer::make_key(directory / "key");
  const SshServer server(directory.path(), {directory / "key.pub"});
  std::ofstream(directory / "known_hosts") << server.known_host();
  settings.ssh_key_files = {(directory / "key").string()};
  settings.ssh_known_hosts_file = (directory / "known_hosts").string();
  check_follows(server.url(git.path()));
}

TEST_CASE_FIXTURE(Fixture, "a ref is found as git rev-parse finds it: by its full name, as a tag, as a branch") {
  const std::string main = git.commit({{"a", {"100644", "main"}}});
  const std::string branch = git.commit({{"a", {"100644", "branch"}}}, "refs/heads/both");
  const std::string tag = git.commit({{"a", {"100644", "tag"}}}, "refs/tags/both");
  const std::string nested = git.commit({{"a", {"100644", "nested"}}}, "refs/heads/feature/x");
  const std::string hidden = git.commit({{"a", {"100644", "hidden"}}}, "refs/other/y");
  const GitDaemon server(served);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"HEAD", main}, {"main", main}, {"both", tag}, {"refs/heads/both", branch}, {"heads/both", branch}, {"tags/both", tag}, {"feature/x", nested}, {"refs/other/y", hidden}};
  for (const auto& [ref, commit] : expected) {
    CAPTURE(ref);
    use(server.url("r.git"), ref);
    CHECK(fetched() == commit);
    check_complete(commit);
    use(git.path().string(), ref);
    CHECK(fetched() == commit);
  }
}

TEST_CASE_FIXTURE(Fixture, "an annotated tag, of a tag too, is peeled to its commit") {
  const std::string commit = git.commit({{"a", {"100644", "1"}}});
  git.git({"tag", "-a", "-m", "m", "v1", commit});
  git.git({"tag", "-a", "-m", "m", "v2", "v1"});
  git.commit({{"b", {"100644", "1"}}});
  const GitDaemon server(served);
  for (const std::string& url : {server.url("r.git"), git.path().string()}) {
    use(url, "v2");
    const RemoteRef ref = fetcher->resolve({});
    CHECK(ref.name == "refs/tags/v2");
    CHECK(ref.oid.hex() == git.git_line({"rev-parse", "v2"}));
    CHECK(fetcher->fetch(ref, {}).hex() == commit);
    CHECK(fetched() == commit);
    check_complete(commit);
    std::filesystem::remove_all(root());
  }
}

TEST_CASE_FIXTURE(Fixture, "a full hash is fetched from a server that gives it, and from one that only gives branches and tags") {
  const std::string old = git.commit({{"a", {"100644", "1"}}});
  git.commit({{"a", {"100644", "2"}}}, "refs/heads/main", old);
  const std::string hidden = git.commit({{"h", {"100644", "3"}}}, "refs/hidden");
  const GitDaemon server(served);
  SUBCASE("from all branches and tags") {
    use(server.url("r.git"), old);
    CHECK(fetcher->resolve({}).name == "");
    CHECK(fetched() == old);
    check_complete(old);
    git.git({"update-ref", "-d", "refs/hidden"});
    use(server.url("r.git"), hidden);
    check_says(failure(), "the commit " + hidden + " is in none of its branches and tags; check --ref");
  }
  SUBCASE("directly") {
    git.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
    git.git({"update-ref", "-d", "refs/hidden"});
    use(server.url("r.git"), hidden);
    CHECK(fetched() == hidden);
    check_complete(hidden);
    use(server.url("r.git"), std::string(40, 'a'));
    check_says(failure(), "is in none of its branches and tags; check --ref");
  }
  SUBCASE("from a path") {
    use(git.path().string(), hidden);
    CHECK(fetched() == hidden);
    use(git.path().string(), std::string(40, 'a'));
    check_says(failure(), "the commit " + std::string(40, 'a') + " is not there; check --ref");
  }
}

TEST_CASE_FIXTURE(Fixture, "what can't be fetched is said in words that say what to do") {
  const GitDaemon daemon(served);
  const GitHttpServer http(served);
  const std::vector<std::string> urls = {daemon.url("r.git"), http.url("r.git"), git.path().string()};
  for (const std::string& url : urls) {
    CAPTURE(url);
    use(url);
    check_says(failure(), "no commits yet; push one");
  }
  git.git({"tag", "tree", git.git_line({"mktree"})});
  git.commit({{"a", {}}}, "refs/heads/other");
  for (const std::string& url : urls) {
    CAPTURE(url);
    use(url, "nowhere");
    check_says(failure(), "there is no branch or tag 'nowhere'; check --ref");
    use(url, "tree");
    check_says(failure(), "is a tree");
    use(url);
    check_says(failure(), "HEAD");
  }
  use(daemon.url("absent.git"));
  check_says(failure(), "absent.git");
  use(http.url("absent.git"));
  check_says(failure(), "404");
  use((served / "absent.git").string());
  check_says(failure(), "absent.git does not exist; check --repo");
  use("http://127.0.0.1:" + std::to_string(free_port()) + "/r.git");
  check_says(failure(), "refused");
  use("http://host.invalid/r.git");
  check_says(failure(), "look up host.invalid");
}

TEST_CASE_FIXTURE(Fixture, "a poll with nothing new touches nothing on the disk") {
  git.commit({{"a", {}}});
  const GitDaemon server(served);
  for (const std::string& url : {server.url("r.git"), git.path().string()}) {
    use(url);
    fetched();
    const std::string before = listing(root());
    const RemoteRef ref = fetcher->resolve({});
    CHECK(ref.oid.hex() == git.git_line({"rev-parse", "main"}));
    CHECK(listing(root()) == before);
  }
}

TEST_CASE_FIXTURE(Fixture, "only as much history is fetched as --depth says, where libgit2 can, and stays complete over updates") {
  std::string commit = git.commit({{"a", {"100644", "0"}}});
  for (int i = 1; i < 5; ++i) commit = git.commit({{"a", {"100644", std::to_string(i)}}}, "refs/heads/main", commit);
  const GitDaemon server(served);
  const bool can = LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7;
  const auto history = [&] { return run({"git", "-C", root().string(), "rev-list", "--count", fetched()}, {}, GitRepository::environment()); };
  settings.depth = 2;
  use(server.url("r.git"));
  CHECK(history() == (can ? "2\n" : "5\n"));
  commit = git.commit({{"a", {"100644", "5"}}, {"b", {}}}, "refs/heads/main", commit);
  CHECK(fetched() == commit);
  check_complete(commit);
  settings.depth = 0;
  use(server.url("r.git"));
  commit = git.commit({{"a", {"100644", "6"}}}, "refs/heads/main", commit);
  CHECK(history() == "7\n");
}

TEST_CASE_FIXTURE(Fixture, "another --depth is fetched by the next process though the commit is there: deeper, shallower, all") {
  std::string commit = git.commit({{"a", {"100644", "0"}}});
  for (int i = 1; i < 5; ++i) commit = git.commit({{"a", {"100644", std::to_string(i)}}}, "refs/heads/main", commit);
  git.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
  const GitDaemon daemon(served);
  const GitHttpServer http(served);
  for (const std::string& url : {daemon.url("r.git"), http.url("r.git")}) {
    for (const std::string& ref : {std::string("main"), commit}) {
      CAPTURE(url);
      CAPTURE(ref);
      for (const int depth : {1, 2, 1, 0, 3}) {
        CAPTURE(depth);
        settings.depth = depth;
        use(url, ref);
        CHECK(fetched() == commit);
        const int expected = can_fetch_shallow() && depth != 0 ? depth : 5;
        const auto environment = GitRepository::environment();
        CHECK(run({"git", "-C", root().string(), "rev-list", "--count", commit}, {}, environment) == std::to_string(expected) + "\n");
        CHECK(run_any({"git", "-C", root().string(), "fsck", "--connectivity-only", commit}, {}, environment).status == 0);
        CHECK_FALSE(fetcher->is_due_for_depth());
        check_complete(commit);
      }
      std::filesystem::remove_all(root());
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "a shallow, a borrowing and a checked-out repository on this machine can be followed") {
  const std::string first = git.commit({{"a", {"100644", "1"}}});
  const std::string second = git.commit({{"a", {"100644", "2"}}}, "refs/heads/main", first);
  const auto environment = GitRepository::environment();
  run({"git", "clone", "-q", "--depth=1", git.url(), (directory / "shallow").string()}, {}, environment);
  run({"git", "clone", "-q", "--shared", git.path().string(), (directory / "shared").string()}, {}, environment);
  run({"git", "clone", "-q", git.path().string(), (directory / "plain").string()}, {}, environment);
  run({"git", "-C", (directory / "plain").string(), "worktree", "add", "-q", "--detach", (directory / "worktree").string()}, {}, environment);
  run({"git", "-C", (directory / "plain").string(), "config", "extensions.worktreeConfig", "true"}, {}, environment);
  for (const char* name : {"shallow", "shared", "plain", "worktree"}) {
    CAPTURE(name);
    use((directory / name).string());
    CHECK(fetched() == second);
    check_complete(second);
    CHECK(run_any({"git", "-C", root().string(), "fsck", "--connectivity-only", second}, {}, environment).status == 0);
    std::filesystem::remove_all(root());
  }
}

TEST_CASE_FIXTURE(Fixture, "a first copy that was cut off is completed") {
  const std::string first = git.commit({{"a", {"100644", "1"}}, {"b", {"100644", "2"}}});
  git.git({"repack", "-adq"});
  const std::string second = git.commit({{"a", {"100644", "3"}}, {"b", {"100644", "2"}}}, "refs/heads/main", first);
  git.git({"repack", "-dq"});
  use(git.path().string());
  CHECK(fetched() == second);
  const auto packs = root() / ".git" / "objects" / "pack";
  for (const auto& entry : std::filesystem::directory_iterator(git.path() / "objects" / "pack")) {
    std::filesystem::remove(packs / entry.path().filename());
    std::ofstream(root() / ".git" / "tidemark-copying");
    use(git.path().string());
    CHECK(fetched() == second);
    check_complete(second);
    check_complete(first);
  }
  CHECK_FALSE(std::filesystem::exists(root() / ".git" / "tidemark-copying"));
}
