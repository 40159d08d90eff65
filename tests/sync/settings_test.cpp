#include "sync/settings/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "daemon/error.hpp"
#include "sync/settings_reader.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

bool names(const std::vector<std::string>& problems, const std::string& text) {
  return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) { return problem.find(text) != std::string::npos; });
}

}  // namespace

// Defaults and rules: git-sync v4's manual.

TEST_CASE("the defaults are git-sync's") {
  const auto s = settings_of({"--repo=https://example.com/a/b.git", "--root=/git"});
  CHECK(s.ref == "HEAD");
  CHECK(s.link == "b.git");
  CHECK(s.period == 10s);
  CHECK(s.sync_timeout == 120s);
  CHECK(s.depth == 1);
  CHECK(s.max_failures == 0);
  CHECK_FALSE(s.one_time);
  CHECK(s.webhook_timeout == 1s);
  CHECK(s.webhook_backoff == 3s);
  CHECK(s.ssh_key_files == std::vector<std::string>{"/etc/git-secret/ssh"});
  CHECK(s.ssh_known_hosts);
  CHECK(s.ssh_known_hosts_file == "/etc/git-secret/known_hosts");
  CHECK(s.http_bind.empty());
}

TEST_CASE("the link is the last element of the repository's name") {
  CHECK(default_link("https://example.com/a/b") == "b");
  CHECK(default_link("https://example.com/a/b.git/") == "b.git");
  CHECK(default_link("git@example.com:a/b") == "b");
  CHECK(default_link("/srv/b") == "b");
  CHECK(default_link("/") == "");
}

TEST_CASE("every setting has its variable, and the flag wins") {
  const Environment environment = {{"GITSYNC_REPO", "r"},       {"GITSYNC_ROOT", "/x"},        {"GITSYNC_REF", "v1"},     {"GITSYNC_PERIOD", "1m30s"},
                                   {"GITSYNC_ONE_TIME", "True"}, {"GITSYNC_MAX_FAILURES", "-1"}, {"GITSYNC_LINK", "here"}, {"GITSYNC_SSH_KEY_FILE", "/a:/b"}};
  const auto s = settings_of({"--ref", "v2"}, environment);
  CHECK(s.repo == "r");
  CHECK(s.ref == "v2");
  CHECK(s.period == 90s);
  CHECK(s.one_time);
  CHECK(s.max_failures == -1);
  CHECK(s.link == "here");
  CHECK(s.ssh_key_files == std::vector<std::string>{"/a", "/b"});
}

TEST_CASE("old variables are taken, and win over the new ones") {
  const Environment environment = {{"GIT_SYNC_REPO", "r"},  {"GIT_SYNC_ROOT", "/x"},      {"GIT_SYNC_BRANCH", "main"},         {"GIT_SYNC_REV", "HEAD"},
                                   {"GIT_SYNC_DEST", "d"},  {"GIT_SYNC_WAIT", "2.5"},     {"GIT_SYNC_TIMEOUT", "7"},           {"GIT_SYNC_MAX_SYNC_FAILURES", "3"},
                                   {"GITSYNC_PERIOD", "9s"}, {"GIT_SSH_KEY_FILE", "/key"}, {"GIT_SSH_KNOWN_HOSTS_FILE", "/known"}, {"GIT_KNOWN_HOSTS", "false"}};
  const auto s = settings_of({}, environment);
  CHECK(s.repo == "r");
  CHECK(s.ref == "main");
  CHECK(s.link == "d");
  CHECK(s.period == 2500ms);
  CHECK(s.sync_timeout == 7s);
  CHECK(s.max_failures == 3);
  CHECK(s.ssh_key_files == std::vector<std::string>{"/key"});
  CHECK(s.ssh_known_hosts_file == "/known");
  CHECK_FALSE(s.ssh_known_hosts);
}

TEST_CASE("old flags are taken, and win over the new ones") {
  const auto s = settings_of({"--repo=r", "--root", "/x", "--rev", "v1", "--dest=d", "--wait=0.5", "--period=10s", "--timeout", "7", "--max-sync-failures=-1"});
  CHECK(s.ref == "v1");
  CHECK(s.link == "d");
  CHECK(s.period == 500ms);
  CHECK(s.sync_timeout == 7s);
  CHECK(s.max_failures == -1);
  CHECK(problems_of({"--repo=r", "--root=/x", "--branch=b", "--rev=v1"}).size() == 1);
}

TEST_CASE("all problems are reported at once") {
  const auto found = problems_of({"--period=1ms", "--sync-timeout=1ms", "--depth=-1", "--webhook-url=ftp://x", "--webhook-timeout=10ms", "--webhook-backoff=10ms", "--http-bind=nonsense"});
  for (const char* flag : {"--repo", "--root", "--period", "--sync-timeout", "--depth", "--webhook-url", "--webhook-timeout", "--webhook-backoff", "--http-bind"}) {
    CAPTURE(flag);
    CHECK(names(found, flag));
  }
}

TEST_CASE("a misspelt flag or variable is named with its nearest neighbour") {
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--perod=1s"}), "--period"));
  CHECK(names(problems_of({"--repo=r", "--root=/x"}, {{"GITSYNC_PEROID", "1s"}}), "GITSYNC_PERIOD"));
  CHECK(problems_of({"--repo=r", "--root=/x", "--checkout=some"}).size() == 1);
}

TEST_CASE("a password comes from the environment or a file, and only with a user") {
  CHECK(settings_of({"--repo=r", "--root=/x", "--username=u"}, {{"GITSYNC_PASSWORD", "p"}}).password == "p");
  CHECK(settings_of({"--repo=r", "--root=/x", "--username=u"}, {{"GIT_SYNC_PASSWORD", "p"}}).password == "p");
  CHECK(settings_of({"--repo=r", "--root=/x", "--username=u", "--password-file=/p"}).password_file == "/p");
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--username=u"}), "--password-file"));
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--password-file=/p"}), "--username"));
  CHECK(names(problems_of({"--repo=r", "--root=/x"}, {{"GITSYNC_PASSWORD", "p"}}), "--username"));
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--username=u", "--password-file=/p"}, {{"GITSYNC_PASSWORD", "hidden-word"}}), "exclude"));
  CHECK_FALSE(names(problems_of({"--repo=r", "--root=/x", "--username=u", "--password-file=/p"}, {{"GITSYNC_PASSWORD", "hidden-word"}}), "hidden-word"));
  CHECK(names(problems_of({"--repo=https://u:q@example.com/x", "--root=/x", "--username=u", "--password-file=/p"}), "--repo"));
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--password=p"}), "--password"));
}

TEST_CASE("credentials, the cookie file and the askpass URL are git-sync's") {
  const auto s = settings_of({"--repo=r", "--root=/x", "--credential", R"({"url":"https://a","username":"u","password":"p,q"})", R"(--credential=[{"url":"https://b","username":"v","password-file":"/f"}])",
                       "--cookie-file", "--askpass-url=http://127.0.0.1/"});
  REQUIRE(s.credentials.size() == 2);
  CHECK(s.credentials[0].password == "p,q");
  CHECK(s.credentials[1].password_file == "/f");
  CHECK(s.cookie_file == "/etc/git-secret/cookie_file");
  CHECK(s.askpass_url == "http://127.0.0.1/");
  CHECK(settings_of({"--repo=r", "--root=/x", "--cookie-file=false"}).cookie_file == "");
  CHECK(settings_of({"--repo=r", "--root=/x", "--cookie-file=/c"}).cookie_file == "/c");
  const auto from_environment = settings_of({"--repo=r", "--root=/x"}, {{"GITSYNC_CREDENTIAL", R"([{"url":"https://a","username":"u","password":"p"},{"url":"https://b","username":"v","password":"q"}])"},
                                                                 {"GIT_COOKIE_FILE", "T"},
                                                                 {"GIT_ASKPASS_URL", "http://h/"},
                                                                 {"GIT_SSL_CAINFO", "/ca"}});
  CHECK(from_environment.credentials.size() == 2);
  CHECK(from_environment.cookie_file == "/etc/git-secret/cookie_file");
  CHECK(from_environment.askpass_url == "http://h/");
  CHECK(from_environment.ca_file == "/ca");
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--credential={}"}), "--credential"));
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--cookie-file=nonsense"}), "--cookie-file"));
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--askpass-url=ftp://x"}), "--askpass-url"));
}

// The default and the meaning of --stale-worktree-timeout: git-sync v4's manual.
TEST_CASE("old trees are kept by time, by number, or by both") {
  CHECK(settings_of({"--repo=r", "--root=/x"}).stale_timeout == 0s);
  CHECK(settings_of({"--repo=r", "--root=/x"}).max_stale_trees < 0);
  CHECK(settings_of({"--repo=r", "--root=/x", "--stale-worktree-timeout=5m"}).stale_timeout == 5min);
  const auto by_number = settings_of({"--repo=r", "--root=/x", "--max-stale-worktrees=3"});
  CHECK(by_number.max_stale_trees == 3);
  CHECK_FALSE(by_number.stale_timeout.has_value());
  const auto by_both = settings_of({"--repo=r", "--root=/x", "--max-stale-worktrees=3"}, {{"GITSYNC_STALE_WORKTREE_TIMEOUT", "1h"}});
  CHECK(by_both.max_stale_trees == 3);
  CHECK(by_both.stale_timeout == 1h);
  CHECK(settings_of({"--repo=r", "--root=/x", "--max-stale-worktrees=0"}).stale_timeout == 0s);
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--stale-worktree-timeout=soon"}), "--stale-worktree-timeout"));
}

TEST_CASE("files are hard links between trees unless somebody may write to them") {
  CHECK(settings_of({"--repo=r", "--root=/x"}).hard_links);
  CHECK_FALSE(settings_of({"--repo=r", "--root=/x"}).group_write);
  for (const char* writer : {"--group-write", "--exechook-command=/x", "--pre-publish-exechook-command=/x"}) {
    CAPTURE(writer);
    CHECK_FALSE(settings_of({"--repo=r", "--root=/x", writer}).hard_links);
    CHECK_FALSE(settings_of({"--repo=r", "--root=/x", writer, "--share-files=never"}).hard_links);
    CHECK(settings_of({"--repo=r", "--root=/x", writer, "--share-files=always"}).hard_links);
  }
  CHECK_FALSE(settings_of({"--repo=r", "--root=/x", "--share-files=never"}).hard_links);
  CHECK(settings_of({"--repo=r", "--root=/x", "--group-write"}).group_write);
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--share-files=perhaps"}), "--share-files"));
}

TEST_CASE("the live tree is looked through every ten minutes, and with a program as a hook only if it is asked for") {
  CHECK(settings_of({"--repo=r", "--root=/x"}).sweep_period == 10min);
  CHECK(settings_of({"--repo=r", "--root=/x", "--sweep-period=30s"}).sweep_period == 30s);
  CHECK(settings_of({"--repo=r", "--root=/x", "--sweep-period=0"}).sweep_period == 0s);
  CHECK(settings_of({"--repo=r", "--root=/x", "--exechook-command=/x"}).sweep_period == 0s);
  CHECK(settings_of({"--repo=r", "--root=/x", "--exechook-command=/x", "--sweep-period=1m"}).sweep_period == 1min);
}

TEST_CASE("a file of patterns makes the checkout sparse, and needs no other flag") {
  CHECK(settings_of({"--repo=r", "--root=/x"}).checkout == Checkout::full);
  const auto s = settings_of({"--repo=r", "--root=/x", "--sparse-checkout-file=/p"});
  CHECK(s.checkout == Checkout::sparse);
  CHECK(s.sparse_file == "/p");
  CHECK(settings_of({"--repo=r", "--root=/x", "--sparse-checkout-file=/p", "--checkout=sparse"}).checkout == Checkout::sparse);
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--checkout=sparse"}), "--sparse-checkout-file"));
  CHECK(names(problems_of({"--repo=r", "--root=/x", "--checkout=none", "--sparse-checkout-file=/p"}), "exclude each other"));
}
