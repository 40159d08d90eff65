#include "sync/settings/old_spellings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "daemon/error.hpp"
#include "sync/settings/settings.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace std::chrono_literals;

namespace {

struct Read {
  std::optional<SyncSettings> settings;
  std::vector<std::string> problems;
  std::string printed;

  bool complains(const std::string& text) const { return names(problems, text); }
  bool notes(const std::string& text) const { return names(settings->notes, text); }
  static bool names(const std::vector<std::string>& lines, const std::string& text) {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }
};

Read read(std::vector<const char*> flags, const Environment& environment = {}) {
  flags.insert(flags.begin(), {"tidemark-sync", "--repo=r", "--root=/x"});
  Read result;
  std::ostringstream out;
  try {
    result.settings = read_settings(static_cast<int>(flags.size()), flags.data(), environment, out);
  } catch (const ConfigError& error) {
    result.problems = error.problems();
  }
  result.printed = out.str();
  return result;
}

}  // namespace

// git-sync v4's manual and its handling of deprecated flags and variables.

TEST_CASE("the old spellings are named once each, with the new ones") {
  const auto found = read({"--branch=main", "--wait=2"}, {{"GIT_SYNC_ROOT", "/y"}, {"GIT_SSH_KEY_FILE", "/key"}});
  REQUIRE(found.settings);
  CHECK(found.settings->notes.size() == 4);
  CHECK(found.notes("--branch is deprecated; use --ref"));
  CHECK(found.notes("--wait is deprecated; use --period"));
  CHECK(found.notes("GIT_SYNC_ROOT is deprecated; use GITSYNC_ROOT"));
  CHECK(found.notes("GIT_SSH_KEY_FILE is deprecated; use GITSYNC_SSH_KEY_FILE"));
}

TEST_CASE("the new spellings leave no note") {
  const auto found = read({"--ref=main", "--period=2s"}, {{"GITSYNC_DEPTH", "3"}});
  REQUIRE(found.settings);
  CHECK(found.settings->notes.empty());
}

TEST_CASE("an old variable wins over its new one, and the flag over both") {
  const Environment both{{"GITSYNC_DEPTH", "3"}, {"GIT_SYNC_DEPTH", "5"}};
  CHECK(read({}, both).settings->depth == 5);
  CHECK(read({}, both).notes("the old one wins"));
  CHECK(read({"--depth=7"}, both).settings->depth == 7);
}

TEST_CASE("a variable that stands for an old flag wins even over the new flag") {
  const auto found = read({"--period=9s", "--ref=v1", "--link=a"}, {{"GIT_SYNC_WAIT", "2.5"}, {"GIT_SYNC_BRANCH", "main"}, {"GIT_SYNC_DEST", "b"}});
  REQUIRE(found.settings);
  CHECK(found.settings->period == 2500ms);
  CHECK(found.settings->ref == "main");
  CHECK(found.settings->link == "b");
}

TEST_CASE("an old flag wins over its variable") {
  CHECK(read({"--wait", "3"}, {{"GIT_SYNC_WAIT", "2"}}).settings->period == 3s);
  CHECK(read({"--wait", "0"}, {{"GIT_SYNC_WAIT", "2"}}).settings->period == 10s);
}

TEST_CASE("old flags and variables with their defaults change nothing") {
  const auto found = read({"--period=9s"}, {{"GIT_SYNC_WAIT", "0"},
                                            {"GIT_SYNC_TIMEOUT", "0"},
                                            {"GIT_SYNC_MAX_SYNC_FAILURES", "0"},
                                            {"GIT_SYNC_PERMISSIONS", "0"},
                                            {"GIT_SYNC_BRANCH", ""}});
  REQUIRE(found.settings);
  CHECK(found.settings->period == 9s);
  CHECK(found.settings->notes.empty());
}

TEST_CASE("--password is taken as git-sync's deprecated flag") {
  const auto found = read({"--username=u", "--password=secret-word"}, {{"GITSYNC_PASSWORD", "other"}});
  REQUIRE(found.settings);
  CHECK(found.settings->password == "secret-word");
  CHECK(found.notes("--password is deprecated"));
  CHECK_FALSE(found.notes("secret-word"));
}

TEST_CASE("-v in every spelling is the verbosity") {
  for (const auto& flags : std::vector<std::vector<const char*>>{{"-v", "5"}, {"-v5"}, {"-v=5"}, {"--v=5"}, {"--verbose=5"}, {"--verbose", "5"}}) {
    CAPTURE(flags.front());
    CHECK(read(flags).settings->log_level == LogLevel::debug);
  }
  CHECK(read({"-v", "0"}).settings->log_level == LogLevel::info);
  CHECK(read({"-v9", "--log-level=error"}).settings->log_level == LogLevel::error);
  CHECK(read({}, {{"GITSYNC_VERBOSE", "1"}}).settings->log_level == LogLevel::debug);
}

TEST_CASE("help and the manual are printed, whatever else is said") {
  CHECK(read({"-?"}).printed.find("--repo") != std::string::npos);
  const auto manual = read({"--man", "--nonsense"});
  CHECK_FALSE(manual.settings);
  for (const char* word : {"CONTRACT", "--repo", "GITSYNC_PERIOD", "EXIT CODES"}) {
    CAPTURE(word);
    CHECK(manual.printed.find(word) != std::string::npos);
  }
}

TEST_CASE("a misspelt old variable is noted with the nearest known one, but a Service's variables are not") {
  const auto found = read({}, {{"GIT_SYNC_PERIDO", "1s"},
                               {"GIT_SYNC_SERVICE_HOST", "10.0.0.1"},
                               {"GIT_SYNC_PORT", "tcp://10.0.0.1:80"},
                               {"GIT_SYNC_PORT_80_TCP", "tcp://10.0.0.1:80"}});
  REQUIRE(found.settings);
  CHECK(found.settings->notes.size() == 1);
  CHECK(found.notes("GIT_SYNC_PERIOD"));
}

TEST_CASE("what has no meaning here is refused with the reason and the way out") {
  for (const auto& [flag, way_out] : std::vector<std::pair<const char*, const char*>>{{"--filter=blob:none", "--depth"},
                                                                                      {"--git=/usr/bin/git", "leave it out"},
                                                                                      {"--http-pprof", "--http-metrics"},
                                                                                      {"--change-permissions=0755", "leave it out"}}) {
    CAPTURE(flag);
    const auto found = read({flag});
    REQUIRE(found.problems.size() == 1);
    CHECK(found.complains(std::string(flag).substr(0, std::string_view(flag).find('='))));
    CHECK(found.complains(way_out));
  }
  CHECK(read({}, {{"GITSYNC_FILTER", "blob:none"}}).complains("GITSYNC_FILTER"));
  CHECK(read({}, {{"GIT_SYNC_HTTP_PPROF", "true"}}).complains("GITSYNC_HTTP_PPROF"));
  CHECK(read({"--filter", "blob:none", "--depth", "deep"}).problems.size() == 2);
}

TEST_CASE("what has no meaning here is taken while it asks for nothing") {
  const auto found = read({"--git=git", "--http-pprof=false", "--filter="}, {{"GITSYNC_GIT", "git"}, {"GITSYNC_HTTP_PPROF", "False"}});
  REQUIRE(found.settings);
  CHECK(found.settings->notes.empty());
}

TEST_CASE("what is not needed is taken with a note") {
  const auto found = read({"--add-user", "--ssh"}, {{"GIT_SYNC_ADD_USER", "true"}});
  REQUIRE(found.settings);
  CHECK(found.notes("--add-user: not needed"));
  CHECK(found.notes("--ssh: not needed"));
}

TEST_CASE("booleans are spelled as in Go") {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) CHECK(read({}, {{"GITSYNC_ONE_TIME", yes}}).settings->one_time);
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) CHECK_FALSE(read({}, {{"GITSYNC_ONE_TIME", no}}).settings->one_time);
  CHECK(read({}, {{"GITSYNC_ONE_TIME", "yes"}}).complains("GITSYNC_ONE_TIME"));
}
