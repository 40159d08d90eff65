// The rules for --listen and for GitHub Apps; the latter are git-sync's.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sync/settings_reader.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace std::chrono_literals;

namespace {

SyncSettings read(std::vector<const char*> flags, const Environment& environment = {}) {
  flags.insert(flags.begin(), "--root=/git");
  return testing::settings_of(std::move(flags), environment);
}

std::vector<std::string> problems(std::vector<const char*> flags, const Environment& environment = {}) {
  flags.insert(flags.begin(), "--root=/git");
  return testing::problems_of(std::move(flags), environment);
}

// There is one problem, and it has the words.
bool is_refused(std::vector<const char*> flags, const std::string& words, const Environment& environment = {}) {
  const auto found = problems(std::move(flags), environment);
  return found.size() == 1 && found.front().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("With --listen the remote is looked at every minute unless --period says otherwise, but every ten seconds until the first success") {
  const auto listening = read({"--repo=https://git.example/r", "--listen=127.0.0.1:9302"});
  CHECK(listening.period == 1min);
  CHECK(listening.init_period == 10s);
  CHECK(read({"--repo=https://git.example/r", "--listen=127.0.0.1:9302", "--period=5s"}).period == 5s);
  CHECK(read({"--repo=https://git.example/r", "--listen=127.0.0.1:9302"}, {{"GIT_SYNC_WAIT", "7"}}).period == 7s);
  CHECK(read({"--repo=https://git.example/r", "--listen=127.0.0.1:9302", "--init-period=3s"}).init_period == 3s);
  CHECK(read({"--repo=https://git.example/r"}).period == 10s);
  CHECK(is_refused({"--repo=https://git.example/r", "--listen=127.0.0.1:9302", "--stale-after=30s"}, "--stale-after"));
}

TEST_CASE("Beyond loopback a secret is needed") {
  for (const char* beyond : {"--listen=:9302", "--listen=0.0.0.0:9302", "--listen=[::]:9302", "--listen=10.0.0.1:9302", "--listen=host:9302"}) {
    CHECK(is_refused({"--repo=https://git.example/r", beyond}, "--listen-secret-file"));
    CHECK(problems({"--repo=https://git.example/r", beyond, "--listen-secret-file=/secret"}).empty());
  }
  for (const char* loopback : {"--listen=127.0.0.1:9302", "--listen=[::1]:9302", "--listen=localhost:9302"})
    CHECK(problems({"--repo=https://git.example/r", loopback}).empty());
  CHECK(is_refused({"--repo=https://git.example/r", "--listen=9302"}, "HOST:PORT"));
  CHECK(is_refused({"--repo=https://git.example/r", "--listen-secret-file=/secret"}, "needs --listen"));
  CHECK(is_refused({"--repo=https://git.example/r", "--listen-repo=https://git.example/r"}, "needs --listen"));
}

TEST_CASE("What webhooks call the repository has to be known") {
  CHECK(is_refused({"--repo=/srv/r.git", "--listen=127.0.0.1:9302"}, "--listen-repo"));
  CHECK(problems({"--repo=/srv/r.git", "--listen=127.0.0.1:9302", "--listen-repo=git@git.example:r.git"}).empty());
  CHECK(is_refused({"--repo=/srv/r.git", "--listen=127.0.0.1:9302", "--listen-repo=r.git"}, "no URL"));
}

TEST_CASE("A GitHub App is named by one of two ids, its installation and one key") {
  const char* repo = "--repo=https://github.com/a/b";
  const auto app = read({repo, "--github-app-application-id=12", "--github-app-installation-id=34", "--github-app-private-key-file=/key"}).github_app;
  CHECK(app.base_url == "https://api.github.com/");
  CHECK(app.application_id == 12);
  CHECK(app.installation_id == 34);
  const Environment variables{
      {"GITSYNC_GITHUB_APP_CLIENT_ID", "Iv1.x"}, {"GITSYNC_GITHUB_APP_INSTALLATION_ID", "34"}, {"GITSYNC_GITHUB_APP_PRIVATE_KEY", "-----BEGIN\nx"}};
  CHECK(read({repo}, variables).github_app.private_key == "-----BEGIN\nx");
  CHECK_FALSE(read({repo, "--github-app-application-id=0"}).github_app.is_set());

  const char *id = "--github-app-application-id=12", *installation = "--github-app-installation-id=34", *key = "--github-app-private-key-file=/key";
  CHECK(is_refused({repo, id, key}, "needs --github-app-installation-id"));
  CHECK(is_refused({repo, id, installation}, "GITSYNC_GITHUB_APP_PRIVATE_KEY"));
  CHECK(is_refused({repo, installation}, "--github-app-client-id"));
  CHECK(is_refused({repo, key}, "--github-app-client-id"));
  CHECK(is_refused({repo, id, installation, key, "--github-app-client-id=x"}, "exclude each other"));
  CHECK(is_refused({repo, id, installation, key}, "exclude each other", {{"GITSYNC_GITHUB_APP_PRIVATE_KEY", "x"}}));
  CHECK(is_refused({repo, id, installation, key, "--username=u", "--password-file=/p"}, "--username"));
  CHECK(is_refused({repo, id, installation, key, "--askpass-url=http://127.0.0.1/"}, "--askpass-url"));
  CHECK(is_refused({"--repo=https://user:word@github.com/a/b", id, installation, key}, "a user in --repo"));
  CHECK(is_refused({"--repo=git@github.com:a/b", id, installation, key}, "https://"));
  CHECK(is_refused({repo, id, installation, key, "--github-base-url=http://github.example/api/v3"}, "https://"));
  CHECK(is_refused({repo, id, installation, key, "--github-base-url=api.github.com"}, "URL"));
  CHECK(problems({repo, id, installation, key, "--github-base-url=http://127.0.0.1:8080/api/v3"}).empty());
  CHECK(is_refused({repo, "--github-app-application-id=-1", installation, key}, "above 0"));
}
