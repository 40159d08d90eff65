// The fixture of the tests that need a real search server.
#include "support/search_server.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/command.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark::testing;

namespace {

std::string ask(const std::string& method, const std::string& url, const std::string& body = {}) {
  return run({"curl", "-sS", "--fail-with-body", "-X", method, "-H", "Content-Type: application/json", "--data-binary", "@-", url}, body);
}

}  // namespace

TEST_CASE("The shared servers answer, each as its own product") {
  for (const auto& name : search_server_names()) {
    CAPTURE(name);
    const auto server = shared_search_server(name);
    const auto head = run({"curl", "-sS", "-D", "-", "-o", "/dev/null", server.url + "/_cluster/health"});
    CHECK((head.find("X-elastic-product: Elasticsearch") != std::string::npos) == name.starts_with("elasticsearch"));
    CHECK(shared_search_server(name).url == server.url);
  }
}

TEST_CASE("A server of the test's own keeps what it acknowledged when it is killed" * doctest::test_suite("own server")) {
  const TemporaryDirectory folder;
  SearchServer server("opensearch", folder / "engine", {"--plugins", "none"});
  ask("PUT", server.url() + "/kept/_doc/1", R"({"n":7})");
  const auto url = server.url();
  server.kill();
  CHECK(run_any({"curl", "-sS", url}).status == 7);  // curl's own code: could not connect
  server.start();
  CHECK(server.url() == url);
  CHECK(ask("GET", server.url() + "/kept/_source/1") == R"({"n":7})");
}
