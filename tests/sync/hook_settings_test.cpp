#include <doctest/doctest.h>

#include <sstream>

#include "daemon/error.hpp"
#include "sync/settings/settings.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace std::chrono_literals;

namespace {

std::optional<SyncSettings> read(std::vector<const char*> flags, std::string* problem = nullptr) {
  flags.insert(flags.begin(), {"tidemark-sync", "--repo=r", "--root=/x", "--link=l"});
  std::ostringstream out;
  try {
    return read_settings(static_cast<int>(flags.size()), flags.data(), {}, out);
  } catch (const ConfigError& error) {
    if (problem != nullptr) *problem = error.what();
    return std::nullopt;
  }
}

bool refused(std::vector<const char*> flags, const std::string& word) {
  std::string problem;
  return !read(std::move(flags), &problem) && problem.find(word) != std::string::npos;
}

}  // namespace

// Defaults and limits: git-sync v4's manual; what is ours is said.

TEST_CASE("the defaults of hooks and of what is told are git-sync's, but for any 2xx") {
  const auto s = read({});
  REQUIRE(s);
  CHECK(s->webhook_method == "POST");
  CHECK_FALSE(s->webhook_success_status);
  CHECK(s->exechook_timeout == 30s);
  CHECK(s->exechook_backoff == 3s);
  CHECK(s->pre_publish_timeout == 30s);
  CHECK(s->pre_publish_backoff == 3s);
  CHECK_FALSE(s->http_metrics);
  CHECK_FALSE(s->init_max_failures);
  CHECK_FALSE(s->sync_on_signal);
  CHECK(s->stale_after == 0s);
}

TEST_CASE("the status that is a success is 2xx, one status, or every one") {
  CHECK(read({"--webhook-success-status=200"})->webhook_success_status == 200);
  CHECK(read({"--webhook-success-status=0"})->webhook_success_status == 0);
  CHECK(read({"--webhook-success-status=-1"})->webhook_success_status == 0);
  CHECK_FALSE(read({"--webhook-success-status=2xx"})->webhook_success_status);
  for (const char* flag : {"--webhook-success-status=-2", "--webhook-success-status=99", "--webhook-success-status=600", "--webhook-success-status=ok"})
    CHECK(refused({flag}, "--webhook-success-status"));
}

TEST_CASE("times of hooks are at least a second, where there is that hook") {
  CHECK(refused({"--exechook-command=x", "--exechook-timeout=999ms"}, "--exechook-timeout"));
  CHECK(refused({"--exechook-command=x", "--exechook-backoff=999ms"}, "--exechook-backoff"));
  CHECK(refused({"--pre-publish-exechook-command=x", "--pre-publish-exechook-timeout=0s"}, "--pre-publish-exechook-timeout"));
  CHECK(refused({"--pre-publish-exechook-command=x", "--pre-publish-exechook-backoff=0s"}, "--pre-publish-exechook-backoff"));
  CHECK(read({"--exechook-timeout=1ms", "--pre-publish-exechook-backoff=1ms"}));
}

TEST_CASE("a method is a word") {
  CHECK(read({"--webhook-method=PUT"})->webhook_method == "PUT");
  for (const char* flag : {"--webhook-method=", "--webhook-method=A B", "--webhook-method=GET\r\nX:y"}) CHECK(refused({flag}, "--webhook-method"));
}

TEST_CASE("the first period has the limit of the other one, and 0 is none") {
  CHECK(refused({"--init-period=9ms"}, "--init-period"));
  CHECK(read({"--init-period=0"})->init_period == 0s);
  CHECK(read({"--init-max-failures=-1"})->init_max_failures == -1);
  CHECK(refused({"--init-max-failures=many"}, "--init-max-failures"));
}

TEST_CASE("what is stale is older than a period") {
  CHECK(refused({"--stale-after=10s"}, "--stale-after"));
  CHECK(read({"--stale-after=11s"})->stale_after == 11s);
  CHECK(read({"--stale-after=0"})->stale_after == 0s);
}

TEST_CASE("metrics need an address") {
  CHECK(refused({"--http-metrics"}, "--http-bind"));
  CHECK(read({"--http-metrics", "--http-bind=:8080"})->http_metrics);
}

TEST_CASE("files that tell lie neither in the repository nor in the trees, and are not the link") {
  for (const char* path : {".git/x", ".worktrees/x", "l", "a/../l", "/x/l", "/x/.git/e", "a/"}) {
    CAPTURE(path);
    CHECK(refused({"--error-file", path}, "--error-file"));
    CHECK(refused({"--touch-file", path}, "--touch-file"));
  }
  CHECK(read({"--error-file=/elsewhere/.git/x", "--touch-file=a/b"}));
}
