// A real Elasticsearch that asks who is there, over TLS with an authority of its own.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/error.hpp"
#include "daemon/log.hpp"
#include "ingest/elasticsearch/connection.hpp"
#include "ingest/elasticsearch/elasticsearch_engine.hpp"
#include "support/search_server.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::elasticsearch;
using namespace tidemark::testing;

namespace {

void put(const std::filesystem::path& file, const std::string& content) {
  const auto fresh = file.string() + ".new";
  std::ofstream(fresh) << content << "\n";
  std::filesystem::rename(fresh, file);
}

Response post(Connection& connection, const std::string& path, const nlohmann::json& body, std::string_view method = "POST") {
  const auto text = body.dump();
  return connection.send({.method = method, .path = path, .body = text});
}

// What `look` at the index throws, or "".
std::string failure_of_look(const ConnectionSettings& settings, const std::string& kind) {
  Log log(LogFormat::text, LogLevel::error);
  ElasticsearchSettings engine_settings;
  engine_settings.connection = settings;
  const auto engine = open_elasticsearch_engine(engine_settings, log);
  try {
    engine->identify({.name = "docs", .origin = "https://host.example/docs.git"});
    engine->inspect();
    CHECK(engine->kind() == "elasticsearch");
    return "";
  } catch (const StalledError& error) {
    CHECK(kind == "stalled");
    return error.what();
  } catch (const TransientError& error) {
    CHECK(kind == "transient");
    return error.what();
  }
}

}  // namespace

TEST_CASE("a secured Elasticsearch: wrong, right and rotated passwords and API keys, by TLS with a private authority" *
          doctest::test_suite("own server")) {
  const TemporaryDirectory folder;
  const SearchServer server("elasticsearch", folder / "engine", {"--password", "first-password", "--tls"});
  const auto secret = folder / "secret";
  put(secret, "first-password");
  ConnectionSettings settings;
  settings.urls = {server.url()};
  settings.username = "elastic";
  settings.password_file = secret;
  settings.ca_file = server.ca_file();
  Connection connection(settings);
  const auto answer = connection.send({.path = "/_cluster/health"});
  CHECK(answer.status == 200);
  CHECK(answer.elastic_product);
  CHECK(failure_of_look(settings, "") == "");

  // An authority that is not the server's, and the system's.
  auto strange = settings;
  strange.ca_file.clear();
  CHECK(failure_of_look(strange, "transient").find("certificate") != std::string::npos);

  // A wrong password stalls; the right one, put into the file, is found by itself.
  put(secret, "wrong-password");
  const auto text = failure_of_look(settings, "stalled");
  CHECK(text.find(secret.string()) != std::string::npos);
  CHECK(text.find("wrong-password") == std::string::npos);
  Connection mistaken(settings);
  CHECK_THROWS_AS(mistaken.send({.path = "/_security/_authenticate"}), StalledError);
  put(secret, "first-password");
  CHECK(mistaken.send({.path = "/_security/_authenticate"}).status == 200);

  // Rotated: the server's first, then the file.
  CHECK(post(connection, "/_security/user/elastic/_password", nlohmann::json{{"password", "second-password"}}).status == 200);
  CHECK_THROWS_AS(connection.send({.path = "/_security/_authenticate"}), StalledError);
  put(secret, "second-password");
  CHECK(connection.send({.path = "/_security/_authenticate"}).status == 200);

  // API keys: one, then another when the first is taken back. The first may do nothing but look.
  const auto make_key = [&](const nlohmann::json& roles) {
    const auto made = post(connection, "/_security/api_key", {{"name", "agent"}, {"role_descriptors", roles}});
    REQUIRE(made.status == 200);
    return nlohmann::json::parse(made.body);
  };
  const auto first = make_key(nlohmann::json::parse(
      R"({"looks": {"cluster": ["cluster:admin/analyze"], "indices": [{"names": ["tidemark*"], "privileges": ["view_index_metadata"]}]}})"));
  put(secret, first["encoded"]);
  auto by_key = settings;
  by_key.username.clear();
  by_key.password_file.clear();
  by_key.api_key_file = secret;
  Connection keyed(by_key);
  CHECK(keyed.send({.path = "/_security/_authenticate"}).status == 200);
  CHECK(failure_of_look(by_key, "") == "");
  CHECK(keyed.send({.method = "PUT", .path = "/tidemark-x"}).status == 403);
  const auto second = make_key(nlohmann::json::object());
  CHECK(post(connection, "/_security/api_key", {{"ids", nlohmann::json::array({first["id"]})}, {"owner", false}}, "DELETE").status == 200);
  CHECK_THROWS_AS(keyed.send({.path = "/_security/_authenticate"}), StalledError);
  put(secret, second["encoded"]);
  CHECK(keyed.send({.path = "/_security/_authenticate"}).status == 200);
}
