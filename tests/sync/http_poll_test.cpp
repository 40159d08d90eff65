// How little is said when there is nothing new, and what is said when there is.
#include <doctest/doctest.h>

#include "sync/http_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;

namespace {
const std::string refs = "GET /r.git/info/refs";
const std::string post = "POST /r.git/git-upload-pack";
}  // namespace

TEST_CASE_FIXTURE(HttpFixture, "a poll with nothing new is one small request on the kept connection, however many refs there are") {
  std::string updates;
  for (int i = 0; i < 3000; ++i) updates += "create refs/heads/branch-" + std::to_string(i) + " " + head + "\n";
  git.git({"update-ref", "--stdin"}, updates);
  const GitHttpServer server = serve();
  for (const char* ref : {"HEAD", "main", "refs/heads/main"}) {
    CAPTURE(ref);
    use(server.url("r.git"), ref);
    CHECK(fetched() == head);
    const auto first = requests.take();
    for (int i = 0; i < 3; ++i) {
      CHECK(fetcher->resolve({}).oid.hex() == head);
      const auto poll = requests.take();
      REQUIRE(poll.size() == 1);
      CHECK(poll[0]["method"] == "POST");
      CHECK(poll[0]["protocol"] == "version=2");
      CHECK(poll[0]["connection"] == first.front()["connection"]);
      CHECK(poll[0]["received"] < 600);
    }
    std::filesystem::remove_all(root());
  }
}

TEST_CASE_FIXTURE(HttpFixture, "the fetch goes on with the poll's connection") {
  const GitHttpServer server = serve();
  use(server.url("r.git"));
  for (const char* content : {"2", "3", "4"}) {
    CHECK(fetched() == push(content));
    check_complete(head);
  }
  for (const auto& request : requests.take()) CHECK(request["connection"] == 1);
}

TEST_CASE_FIXTURE(HttpFixture, "a push is fetched without a listing of all refs") {
  const GitHttpServer server = serve();
  use(server.url("r.git"));
  CHECK(fetched() == head);
  auto lines = asked();
  CHECK(lines.front() == refs);  // what the server speaks
  CHECK(std::ranges::count(lines, refs) == 1);
  CHECK(fetched() == push("2"));
  lines = asked();
  CHECK(std::ranges::count(lines, refs) == 0);
  CHECK(lines.size() <= 3);  // ls-refs, what we have, the pack
  check_complete(head);
}

TEST_CASE_FIXTURE(HttpFixture, "a ref that moves or vanishes between the poll and the fetch is looked for again") {
  const GitHttpServer server = serve();
  use(server.url("r.git"));
  CHECK(fetched() == head);
  push("seen");
  const RemoteRef seen = fetcher->resolve({});
  CHECK(seen.oid.hex() == head);
  const std::string forced = git.commit({{"z", {"100644", "unrelated"}}});
  CHECK(fetcher->fetch(seen, {}).hex() == forced);
  check_complete(forced);
  const std::string gone = git.commit({{"z", {"100644", "gone"}}}, "refs/heads/gone");
  use(server.url("r.git"), "gone");
  const RemoteRef found = fetcher->resolve({});
  CHECK(found.oid.hex() == gone);
  git.git({"update-ref", "-d", "refs/heads/gone"});
  CHECK_THROWS_WITH_AS(fetcher->fetch(found, {}), doctest::Contains("there is no branch or tag 'gone'"), tidemark::TransientError);
}

TEST_CASE_FIXTURE(HttpFixture, "a part of the history is fetched over http too, where libgit2 can, and stays complete over updates") {
  for (int i = 0; i < 5; ++i) push(std::to_string(i));
  const bool can = LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7;
  const auto history = [&] { return run({"git", "-C", root().string(), "rev-list", "--count", fetched()}, {}, GitRepository::environment()); };
  for (const bool old : {false, true}) {
    CAPTURE(old);
    const GitHttpServer server = serve(old ? std::vector<std::string>{"--old"} : std::vector<std::string>{});
    settings.depth = 1;
    use(server.url("r.git"));
    CHECK(history() == (can ? "1\n" : trimmed(git.git({"rev-list", "--count", "main"})) + "\n"));
    for (int i = 0; i < 3; ++i) {
      CHECK(fetched() == push("more " + std::to_string(i)));
      check_complete(head);
    }
    settings.depth = 0;
    use(server.url("r.git"));
    push("last");
    CHECK(history() == git.git({"rev-list", "--count", "main"}));
    check_complete(head);
    std::filesystem::remove_all(root());
  }
}

TEST_CASE_FIXTURE(HttpFixture, "a server that speaks only version 0 is listed, over the kept connection too") {
  const GitHttpServer server = serve({"--old"});
  use(server.url("r.git"));
  CHECK(fetched() == head);
  asked();
  CHECK(fetcher->resolve({}).oid.hex() == head);
  CHECK(asked() == std::vector{refs});
  CHECK(fetched() == push("2"));
  for (const auto& request : requests.take()) CHECK(request["connection"] == 1);
}

TEST_CASE_FIXTURE(HttpFixture, "a server that was replaced by one that speaks only version 0, and back, is asked again in the same poll") {
  int port = 0;
  const auto replaced = [&](std::vector<std::string> options) {
    if (port == 0) port = free_port();
    options.insert(options.end(), {"--port", std::to_string(port)});
    return serve(std::move(options));
  };
  {
    const GitHttpServer server = replaced({});
    use(server.url("r.git"));
    CHECK(fetched() == head);
  }
  {
    const GitHttpServer server = replaced({"--old"});
    CHECK(fetched() == push("2"));
  }
  const GitHttpServer server = replaced({});
  CHECK(fetched() == push("3"));
  asked();
  CHECK(fetched() == head);
  CHECK(asked() == std::vector{post});
}

TEST_CASE_FIXTURE(HttpFixture, "a poll writes nothing to the disk and finds a ref wherever git rev-parse would") {
  const GitHttpServer server = serve();
  const std::string branch = git.commit({{"a", {"100644", "branch"}}}, "refs/heads/both");
  const std::string tag = git.commit({{"a", {"100644", "tag"}}}, "refs/tags/both");
  for (const auto& [ref, commit] :
       std::vector<std::pair<std::string, std::string>>{{"both", tag}, {"heads/both", branch}, {"refs/heads/both", branch}, {"HEAD", head}}) {
    CAPTURE(ref);
    use(server.url("r.git"), ref);
    CHECK(fetched() == commit);
    const auto listing = [&] { return run({"find", root().string(), "-printf", "%p %T@ %s\n"}); };
    const std::string before = listing();
    CHECK(fetcher->resolve({}).oid.hex() == commit);
    CHECK(listing() == before);
  }
}

TEST_CASE_FIXTURE(HttpFixture, "a login is only sent when it is asked for, and then with each request at once") {
  const GitHttpServer open = serve();
  settings.username = "user";
  settings.password = "secret";
  use(open.url("r.git"));
  CHECK(fetched() == head);
  for (const auto& request : requests.take()) CHECK(request["login"] == "");
  const GitHttpServer closed = serve({"--user", "user", "--password", "secret"});
  use(closed.url("r.git"));
  CHECK(fetched() == head);
  const auto first = requests.take();
  CHECK(first[0]["login"] == "");
  for (std::size_t i = 1; i < first.size(); ++i) CHECK(first[i]["login"] == "user:secret");
  CHECK(fetched() == head);
  const auto poll = requests.take();
  REQUIRE(poll.size() == 1);
  CHECK(poll[0]["login"] == "user:secret");
  CHECK(poll[0]["connection"] == first[0]["connection"]);
}

TEST_CASE_FIXTURE(HttpFixture, "a server that asks for a login in several ways gets basic authentication, and one that does not take it is told of") {
  settings.username = "user";
  settings.password = "secret";
  {
    const GitHttpServer server = serve({"--user", "user", "--password", "secret", "--challenge", "Negotiate\nBasic realm=\"git\"\nBearer"});
    use(server.url("r.git"));
    CHECK(fetched() == head);
  }
  requests.take();
  const GitHttpServer server = serve({"--user", "user", "--password", "secret", "--challenge", "Bearer realm=\"x\""});
  use(server.url("r.git"));
  check_says(failure(), "only a user and password (or token) over HTTP basic auth is");
  for (const auto& request : requests.take()) CHECK(request["login"] == "");
}
