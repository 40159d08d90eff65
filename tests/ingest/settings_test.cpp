// The flags of tidemark-ingest: their defaults, their spellings in the environment, and every problem at once.
#include "ingest/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/engine_factory.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::ingest;

namespace {

std::optional<IngestSettings> read(std::vector<const char*> arguments, const Environment& environment = {}) {
  arguments.insert(arguments.begin(), "tidemark-ingest");
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

// The required ones and one more.
std::vector<std::string> problems_with(const char* flag, const char* value) {
  return problems({"--source", "/git/current", "--engine", "sqlite:/x/i.sqlite", flag, value});
}

}  // namespace

TEST_CASE("the defaults are those of the documentation") {
  const auto settings = read({"--source", "/git/current", "--engine", "sqlite:/x/i.sqlite"});
  REQUIRE(settings);
  CHECK(settings->source == "/git/current");
  CHECK(settings->source_name.empty());
  CHECK(settings->index == "tidemark");
  CHECK(settings->listen.host == "127.0.0.1");
  CHECK(settings->listen.port == 9300);
  CHECK_FALSE(settings->search_listen);
  CHECK_FALSE(settings->probe_listen);
  CHECK(settings->reconciler.reconcile_period == std::chrono::seconds(30));
  CHECK(settings->reconciler.removals.percent == 50);
  CHECK(settings->selection.max_file_size == 5 * 1024 * 1024);
  CHECK_FALSE(settings->one_time);
  CHECK_FALSE(settings->reconciler.adopt);
}

TEST_CASE("each flag is also a variable, and lists may be repeated or split at commas") {
  const auto settings = read({"--include", "docs/", "--include", "*.json", "--max-removals", "10%"}, {{"TIDEMARK_SOURCE", "/git/link"},
                                                                                                      {"TIDEMARK_ENGINE", "sqlite:/x/i.sqlite"},
                                                                                                      {"TIDEMARK_EXCLUDE", "drafts/,*.yaml"},
                                                                                                      {"TIDEMARK_MAX_FILE_SIZE", "1MiB"},
                                                                                                      {"TIDEMARK_MAX_REMOVALS", "20%"},
                                                                                                      {"TIDEMARK_PROBE_LISTEN", ":9301"},
                                                                                                      {"TIDEMARK_ONE_TIME", "true"}});
  REQUIRE(settings);
  CHECK(settings->source == "/git/link");
  CHECK(settings->selection.include == std::vector<std::string>{"docs/", "*.json"});
  CHECK(settings->selection.exclude == std::vector<std::string>{"drafts/", "*.yaml"});
  CHECK(settings->selection.max_file_size == 1024 * 1024);
  CHECK(settings->reconciler.removals.percent == 10);
  REQUIRE(settings->probe_listen);
  CHECK(settings->probe_listen->port == 9301);
  CHECK(settings->one_time);
}

TEST_CASE("all that is missing is reported at once") {
  const auto found = problems({});
  REQUIRE(found.size() == 2);
  CHECK(found[0].find("--source is missing") != std::string::npos);
  CHECK(found[1].find("--engine is missing") != std::string::npos);
}

TEST_CASE("values that can't be meant are refused by their flag") {
  CHECK(problems({"--source", "/git/current", "--engine", "sqlite:/x/i.sqlite"}).empty());
  struct Row {
    const char* flag;
    const char* value;
  };
  for (const auto& [flag, value] : {Row{"--max-removals", "101%"},
                                    Row{"--max-removals", "half"},
                                    Row{"--max-removals", "-1"},
                                    Row{"--listen", "nowhere"},
                                    Row{"--search-listen", "x:y"},
                                    Row{"--reconcile-period", "1ms"},
                                    Row{"--reconcile-period", "soon"},
                                    Row{"--log-format", "xml"},
                                    Row{"--log-level", "loud"},
                                    Row{"--include", "a//b"},
                                    Row{"--exclude", "[a"},
                                    Row{"--include", "*.txt"},
                                    Row{"--index", "a/b"},
                                    Row{"--source-name", "a\nb"},
                                    Row{"--max-file-size", "big"},
                                    Row{"--engine", "mysql:x"},
                                    Row{"--engine", "sqlite:"},
                                    Row{"--engine", "search:9200"},
                                    Row{"--engine", "ftp://host:9200"},
                                    Row{"--listen", ":9300"},
                                    Row{"--listen", "0.0.0.0:1"}}) {
    CAPTURE(flag);
    CAPTURE(value);
    const auto found = problems_with(flag, value);
    REQUIRE(found.size() == 1);
    const bool names_it = found[0].find(flag) != std::string::npos;
    CHECK(names_it);
  }
}

TEST_CASE("listening beyond loopback is possible with a token") {
  CHECK(problems({"--source", "/g/l", "--engine", "sqlite:/x/i", "--listen", ":9300", "--token-file", "/run/token"}).empty());
  CHECK(problems({"--source", "/g/l", "--engine", "sqlite:/x/i", "--listen", "[::1]:9300"}).empty());
}

TEST_CASE("an engine's file is named by its path, or by its folder and the index's name") {
  const testing::TemporaryDirectory folder;
  CHECK(sqlite_file("sqlite:/x/i.sqlite", "docs") == "/x/i.sqlite");
  CHECK(sqlite_file("sqlite:/x/", "docs") == "/x/docs.sqlite");
  CHECK(sqlite_file("sqlite:" + folder.path().string(), "docs") == folder / "docs.sqlite");
  CHECK_THROWS_WITH_AS(sqlite_file("search:9200", "docs"), doctest::Contains("https://"), ConfigError);
}

TEST_CASE("percentages") {
  CHECK(parse_percent("50%") == 50);
  CHECK(parse_percent("0") == 0);
  CHECK(parse_percent("100%") == 100);
  for (const auto* text : {"", "%", "101", "-1", "5.5%", "50%%", " 50", "50 "}) CHECK_FALSE(parse_percent(text));
}
