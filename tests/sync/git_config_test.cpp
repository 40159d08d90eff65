#include "sync/settings/git_config.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <stdexcept>

#include "daemon/error.hpp"
#include "sync/settings/settings.hpp"

using namespace tidemark::sync;

namespace {

std::string shown(std::string_view text) {
  std::string result;
  for (const auto& [key, value] : parse_git_config(text)) result += key + "=" + value + ";";
  return result;
}

bool refused(const std::string& key, const std::string& value = "x") { return judge_git_config({key, value}).refused; }

std::vector<std::string> problems(std::vector<const char*> flags) {
  flags.insert(flags.begin(), {"tidemark-sync", "--repo=r", "--root=/x"});
  std::ostringstream out;
  try {
    read_settings(static_cast<int>(flags.size()), flags.data(), {}, out);
  } catch (const tidemark::ConfigError& error) {
    return error.problems();
  }
  return {};
}

}  // namespace

// The notation is git-sync's: its manual, --git-config.

TEST_CASE("pairs stand between commas, either side may be quoted") {
  CHECK(shown("") == "");
  CHECK(shown("k:v") == "k=v;");
  CHECK(shown("k1:v1,k2:v2") == "k1=v1;k2=v2;");
  CHECK(shown("k1:v1,") == "k1=v1;");
  CHECK(shown(R"("k":v)") == "k=v;");
  CHECK(shown(R"("k:1":"v,2",k3:v3)") == "k:1=v,2;k3=v3;");
  CHECK(shown("k:v:w") == "k=v:w;");
}

TEST_CASE("escapes are those of git-sync") {
  CHECK(shown(R"(k:a\nb\tc\"d\,e\\f)") == "k=a\nb\tc\"d,e\\f;");
  CHECK(shown(R"("k\"1":"a\nb")") == "k\"1=a\nb;");
}

TEST_CASE("what is not of that notation is an error") {
  for (const char* text : {"k", "k:", R"("k)", R"("k":"v)", R"("k"x:v)", R"("k":"v"x)", R"(k:\x)", "k:\\"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_git_config(text), std::invalid_argument);
  }
}

TEST_CASE("git's own work needs no settings, what would change the result is refused") {
  for (const char* key :
       {"safe.directory", "gc.auto", "pack.threads", "protocol.version", "user.name", "core.fsync", "http.postBuffer", "advice.detachedHead"}) {
    CAPTURE(key);
    CHECK_FALSE(refused(key));
  }
  for (const char* key : {"http.proxy", "http.https://example.com/.extraHeader", "url.https://a/.insteadOf", "core.sshCommand", "credential.helper",
                          "filter.lfs.smudge", "nonsense.key", "nonsense"}) {
    CAPTURE(key);
    CHECK(refused(key));
  }
  CHECK(refused("http.sslVerify", "false"));
  CHECK_FALSE(refused("http.sslVerify", "true"));
  CHECK(refused("core.autocrlf", "true"));
  CHECK_FALSE(refused("core.autocrlf", "input"));
}

TEST_CASE("every refused git setting is a problem, which never shows the value") {
  const auto found = problems(
      {"--git-config=http.proxy:p1,gc.auto:0,http.extraHeader:hidden-word", "--git-config-add=url.x.insteadOf:y", "--git-config-add", "broken"});
  CHECK(found.size() == 4);
  for (const auto& problem : found) CHECK(problem.find("hidden-word") == std::string::npos);
  CHECK(problems({"--git-config=gc.auto:0"}).empty());
}
