// Redirects: followed when it is safe, and never with a password to somebody else.
#include <doctest/doctest.h>

#include "sync/http_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;

namespace {
const std::string moved = "GET /moved/r.git/info/refs";
const std::string refs = "GET /r.git/info/refs";
const std::string post = "POST /r.git/git-upload-pack";
using Lines = std::vector<std::string>;
}  // namespace

TEST_CASE_FIXTURE(HttpFixture, "a permanent redirect is followed once, a temporary one each time") {
  const GitHttpServer target = serve();
  for (const char* status : {"301", "308", "302", "303", "307"}) {
    CAPTURE(status);
    const GitHttpServer server = serve({"--redirect", target.url(""), "--redirect-status", status});
    use(server.url("moved/r.git"));
    CHECK(fetched() == head);
    requests.take();
    CHECK(fetched() == head);
    CHECK(asked() == (status[2] == '1' || status[2] == '8' ? Lines{post} : Lines{moved, refs, post}));
    CHECK(fetched() == push(status));
    check_complete(head);
    std::filesystem::remove_all(root());
  }
}

TEST_CASE_FIXTURE(HttpFixture, "when a permanent redirect leads nowhere any more, the remote's own URL is asked again") {
  auto target = std::make_unique<GitHttpServer>(served);
  const GitHttpServer server = serve({"--redirect", target->url("")});
  use(server.url("moved/r.git"));
  CHECK(fetched() == head);
  const std::string port = target->port();
  target.reset();
  check_says(failure(), "refused");
  const GitHttpServer again = serve({"--port", port});
  CHECK(fetched() == push("2"));
}

TEST_CASE_FIXTURE(HttpFixture, "a redirect to another host takes no login along, asked for or not") {
  settings.username = "user";
  settings.password = "secret";
  RequestLog elsewhere(directory / "elsewhere");
  SUBCASE("that gives to anybody") {
    const GitHttpServer other(served, {"--log", elsewhere.file()});
    const GitHttpServer server = serve({"--user", "user", "--password", "secret", "--redirect", other.url("")});
    use(server.url("moved/r.git"));
    CHECK(fetched() == head);
  }
  SUBCASE("that asks for a login") {
    const GitHttpServer other(served, {"--log", elsewhere.file(), "--user", "user", "--password", "secret"});
    const GitHttpServer server = serve({"--redirect", other.url("")});
    use(server.url("moved/r.git"));
    check_says(failure(), "those for other hosts are not sent there");
  }
  SUBCASE("with a login in it") {
    const GitHttpServer other(served, {"--log", elsewhere.file(), "--user", "somebody", "--password", "else"});
    const GitHttpServer server = serve({"--redirect", "http://somebody:else@127.0.0.1:" + other.port()});
    use(server.url("moved/r.git"));
    const std::string text = failure();
    check_says(text, "no URL of http(s)");
    CHECK(text.find("somebody:else") == std::string::npos);
  }
  for (const auto& request : elsewhere.take()) CHECK(request["login"] == "");
}

TEST_CASE_FIXTURE(TlsFixture, "https may lead to https, and http to it, but never https to http") {
  settings.ca_file = authority.file().string();
  settings.username = "user";
  settings.password = "secret";
  const GitHttpServer plain = serve();
  const GitHttpServer secure = serve(tls());
  {
    const GitHttpServer server = serve(tls({"--redirect", secure.url("")}));
    use(server.url("moved/r.git"));
    CHECK(fetched() == head);
  }
  {
    const GitHttpServer server = serve({"--redirect", secure.url("")});
    use(server.url("moved/r.git"));
    CHECK(fetched() == push("2"));
  }
  const GitHttpServer server = serve(tls({"--redirect", plain.url("")}));
  use(server.url("moved/r.git"));
  requests.take();
  push("3");
  check_says(failure(), "from https to http, which is not followed");
  CHECK(asked() == Lines{moved});
}

TEST_CASE_FIXTURE(HttpFixture, "redirects that go round, lead to something else than a repository or say nothing are refused") {
  const GitHttpServer target = serve();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/moved", "redirects more than 5 times"},   {"file:///etc", "no URL of http(s)"},        {"ssh://git@127.0.0.1", "no URL of http(s)"},
      {"gopher://127.0.0.1", "no URL of http(s)"}, {target.url("login#"), "no git repository"},
  };
  for (const auto& [to, words] : cases) {
    CAPTURE(to);
    const GitHttpServer server = serve({"--redirect", to});
    use(server.url("moved/r.git"));
    check_says(failure(), words);
  }
  const GitHttpServer bare = serve({"--status", "302"});
  use(bare.url("r.git"));
  check_says(failure(), "redirects to ''");
}
