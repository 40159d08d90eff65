// The flags of a search server: what they set, and every problem at once.
#include "ingest/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/engine_factory.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using namespace std::chrono_literals;

namespace {

std::optional<IngestSettings> read(std::vector<const char*> arguments, const Environment& environment = {}) {
  arguments.insert(arguments.begin(), {"tidemark-ingest", "--source", "/git/current"});
  std::ostringstream out;
  return read_settings(static_cast<int>(arguments.size()), arguments.data(), environment, out);
}

std::vector<std::string> problems(std::vector<const char*> arguments, const Environment& environment = {}) {
  try {
    read(std::move(arguments), environment);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

bool all_name(const std::vector<std::string>& texts, std::initializer_list<const char*> parts) {
  return std::ranges::all_of(
      parts, [&](const char* part) { return std::ranges::any_of(texts, [&](const auto& text) { return text.find(part) != std::string::npos; }); });
}

constexpr auto server = "https://search:9200";

}  // namespace

TEST_CASE("a cluster is named by its nodes' URLs; the rest has defaults") {
  const auto settings = read({"--engine", "https://one:9200,http://two:9201/prefix"});
  REQUIRE(settings);
  const auto& it = settings->server;
  CHECK(it.connection.urls == std::vector<std::string>{"https://one:9200", "http://two:9201/prefix"});
  CHECK(it.index == "tidemark");
  CHECK(it.connection.username.empty());
  CHECK_FALSE(it.connection.compress);
  CHECK(it.connection.timeout == 60s);
  CHECK(it.bulk.bytes == 5 * 1024 * 1024);
  CHECK(it.bulk.operations == 1000);
  CHECK_FALSE(it.concurrency);
  CHECK(it.lease_duration == 15s);
  CHECK(settings->reconciler.takeover_behind == 5min);
  CHECK_FALSE(it.analysis);
  CHECK(it.shards == 1);
  CHECK(it.replicas == 1);
  CHECK(settings->reconciler.batch_operations == 1000);
  CHECK(settings->reconciler.batch_bytes < it.bulk.bytes);
  CHECK(settings->reconciler.batch_bytes > it.bulk.bytes / 2);
}

TEST_CASE("each flag of a cluster sets what it says") {
  const auto settings = read({"--engine",
                              server,
                              "--index",
                              "docs",
                              "--engine-username",
                              "u",
                              "--engine-password-file",
                              "/p",
                              "--engine-ca-file",
                              "/ca",
                              "--engine-client-cert-file",
                              "/c",
                              "--engine-client-key-file",
                              "/k",
                              "--engine-compression",
                              "gzip",
                              "--engine-timeout",
                              "2s",
                              "--bulk-bytes",
                              "1MiB",
                              "--bulk-operations",
                              "200",
                              "--bulk-concurrency",
                              "3",
                              "--lease-duration",
                              "5s",
                              "--takeover-behind",
                              "1m",
                              "--engine-analysis",
                              "cjk",
                              "--engine-shards",
                              "3",
                              "--engine-replicas",
                              "0"});
  REQUIRE(settings);
  const auto& it = settings->server;
  CHECK(it.index == "docs");
  CHECK(it.connection.username == "u");
  CHECK(it.connection.password_file == "/p");
  CHECK(it.connection.ca_file == "/ca");
  CHECK(it.connection.client_certificate_file == "/c");
  CHECK(it.connection.client_key_file == "/k");
  CHECK(it.connection.compress);
  CHECK(it.connection.timeout == 2s);
  CHECK(it.connection.connect_timeout == 2s);
  CHECK(it.bulk.bytes == 1024 * 1024);
  CHECK(it.bulk.operations == 200);
  CHECK(it.concurrency == 3);
  CHECK(it.lease_duration == 5s);
  CHECK(settings->reconciler.takeover_behind == 1min);
  CHECK(it.analysis == elasticsearch::CjkAnalysis::cjk);
  CHECK(it.shards == 3);
  CHECK(it.replicas == 0);
  CHECK(read({"--engine", server, "--engine-api-key-file", "/key"})->server.connection.api_key_file == "/key");
  CHECK(read({"--engine", server, "--engine-token-file", "/token"})->server.connection.bearer_token_file == "/token");
}

TEST_CASE("secrets may come from the environment, and are no flags") {
  CHECK(read({"--engine", server, "--engine-username", "u"}, {{"TIDEMARK_ENGINE_PASSWORD", "p"}})->server.connection.password == "p");
  CHECK(read({"--engine", server}, {{"TIDEMARK_ENGINE_API_KEY", "k"}})->server.connection.api_key == "k");
  CHECK(read({"--engine", server}, {{"TIDEMARK_ENGINE_TOKEN", "t"}})->server.connection.bearer_token == "t");
  const auto found = problems({"--engine", server, "--engine-password", "hunter2"});
  REQUIRE(found.size() == 1);
  CHECK(found.front().find("hunter2") == std::string::npos);
}

TEST_CASE("all problems of a cluster's settings are reported at once") {
  const auto found = problems({"--engine", "https://elastic:hunter2@one:9200,https://two:x", "--index", "Docs", "--engine-username", "u",
                               "--engine-api-key-file", "/k", "--engine-client-key-file", "/k", "--bulk-bytes", "1KiB", "--lease-duration", "10ms"});
  CHECK(found.size() == 8);
  CHECK(all_name(found, {"--engine-token-file", "two:x", "--index 'Docs'", "--engine-password-file or", "choose one", "--engine-client-cert-file",
                         "--bulk-bytes", "--lease-duration"}));
  for (const auto& text : found) CHECK(text.find("hunter2") == std::string::npos);
}

TEST_CASE("values that no cluster can have are refused by their flag") {
  struct Row {
    const char* flag;
    const char* value;
  };
  for (const auto& [flag, value] :
       {Row{"--engine-compression", "brotli"}, Row{"--engine-timeout", "0"}, Row{"--engine-timeout", "soon"}, Row{"--bulk-bytes", "1GiB"},
        Row{"--bulk-operations", "0"}, Row{"--bulk-operations", "many"}, Row{"--bulk-concurrency", "0"}, Row{"--bulk-concurrency", "33"},
        Row{"--bulk-concurrency", "2x"}, Row{"--engine-analysis", "icu"}, Row{"--engine-shards", "0"}, Row{"--engine-replicas", "-1"},
        Row{"--engine-username", "u"}, Row{"--index", "_docs"}, Row{"--index", "docs,more"}, Row{"--engine-client-key-file", "/k"}}) {
    CAPTURE(flag);
    CAPTURE(value);
    CHECK(problems({"--engine", server, flag, value}).size() == 1);
  }
}

TEST_CASE("what is about a search server is refused with an embedded index, each by its name") {
  const auto found = problems({"--engine", "sqlite:/x/i.sqlite", "--engine-username", "u", "--bulk-bytes", "5MiB", "--lease-duration", "15s"},
                              {{"TIDEMARK_ENGINE_API_KEY", "k"}});
  CHECK(found.size() == 4);
  CHECK(all_name(found, {"--engine-username", "--bulk-bytes", "--lease-duration", "TIDEMARK_ENGINE_API_KEY"}));
}

TEST_CASE("every flag of the group for search servers is refused with an embedded index") {
  std::ostringstream out;
  const char* const arguments[] = {"tidemark-ingest", "--help"};
  CHECK_FALSE(read_settings(2, arguments, {}, out));
  std::istringstream lines(out.str());
  std::string line;
  int flags = 0;
  bool in_group = false;
  while (std::getline(lines, line)) {
    if (!line.empty() && line.front() != ' ') in_group = line.find("Search server") == 0 || line.find("[Option Group: Search server]") == 0;
    const auto begin = line.find("--");
    if (!in_group || begin == std::string::npos || begin > 4) continue;
    ++flags;
    const auto flag = line.substr(begin, line.find(' ', begin) - begin);
    CAPTURE(flag);
    const char* value = flag == "--engine-compression"                                                                         ? "gzip"
                        : flag == "--engine-analysis"                                                                          ? "cjk"
                        : flag.ends_with("timeout") || flag.find("-duration") != std::string::npos || flag.ends_with("behind") ? "9s"
                                                                                                                               : "3";
    const auto found = problems({"--engine", "sqlite:/x/i.sqlite", flag.c_str(), value});
    REQUIRE(found.size() == 1);
    CHECK(found.front().find(flag) != std::string::npos);
  }
  CHECK(flags == 17);
}

TEST_CASE("a cluster's engine is opened without a request, and says which file it misses") {
  Log log(LogFormat::text, LogLevel::error);
  CHECK(open_engine(*read({"--engine", "http://127.0.0.1:1"}), log) != nullptr);
  CHECK_THROWS_WITH_AS(open_engine(*read({"--engine", "https://127.0.0.1:1", "--engine-api-key-file", "/absent/key"}), log),
                       doctest::Contains("/absent/key"), ConfigError);
  CHECK_THROWS_WITH_AS(open_engine(*read({"--engine", "https://127.0.0.1:1", "--engine-ca-file", "/absent/ca"}), log),
                       doctest::Contains("/absent/ca"), ConfigError);
}
