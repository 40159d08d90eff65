#include "sync/synchronizer.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <thread>

#include "daemon/error.hpp"
#include "daemon/http_client.hpp"
#include "sync/http.hpp"
#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;
using sync::Synchronizer;
namespace fs = std::filesystem;

namespace {

// A consumer that keeps the headers of each call and answers `status`.
struct Consumer {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::map<std::string, std::string>> calls;
  int status = 200;
  Log log{LogFormat::text, LogLevel::error};
  HttpServer server{*ListenAddress::parse("127.0.0.1:0"), {}, log};

  Consumer() {
    server.route("POST", "/hook", [this](const HttpRequest& request) {
      const std::lock_guard lock(mutex);
      calls.push_back(request.headers);
      changed.notify_all();
      return HttpResponse{status, "", "text/plain", {}};
    });
    server.start();
  }
  std::string url() const { return "http://" + server.address() + "/hook"; }
  std::vector<std::map<std::string, std::string>> wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 10s, [&] { return calls.size() >= count; }));
    return calls;
  }
};

struct Fixture {
  git::Library library;
  TemporaryDirectory directory;
  GitRepository remote{directory / "remote.git"};
  Consumer consumer;
  fs::path root = directory / "root";
  sync::SyncSettings settings;
  Wakeup wakeup;
  Metrics metrics;
  Log log{LogFormat::text, LogLevel::error};

  Fixture() {
    ::umask(0022);
    settings.repo = remote.url();
    settings.root = root.string();
    settings.link = "link";
    settings.period = 1h;
    settings.sync_timeout = 30s;
    settings.webhook_url = consumer.url();
    settings.webhook_backoff = 1ms;
  }
  std::string push(const std::string& content) {
    return remote.commit({{"page.md", {"100644", content}}, {"other.md", {"100644", "other"}}});
  }
  std::unique_ptr<Synchronizer> start() { return std::make_unique<Synchronizer>(settings, wakeup, metrics, log); }
  std::string live() const { return fs::read_symlink(root / "link").filename(); }
  bool has_metric(const std::string& line) const { return metrics.exposition().find(line) != std::string::npos; }
};

bool eventually(const std::function<bool()>& condition) {
  for (const auto deadline = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < deadline; std::this_thread::yield())
    if (condition()) return true;
  return false;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a pass publishes what the remote has, and the next one finds nothing to do") {
  const std::string first = push("one");
  auto synchronizer = start();
  CHECK_FALSE(synchronizer->ready());
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(synchronizer->ready());
  CHECK(live() == first);
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::unchanged);
  const std::string second = push("two");
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(live() == second);
  CHECK(files_below(root / ".worktrees" / second).at("page.md").content == "two");
  CHECK(has_metric("git_sync_count_total{status=\"success\"} 2"));
  CHECK(has_metric("git_sync_count_total{status=\"noop\"} 1"));
  CHECK(has_metric("git_fetch_count_total 2"));
  CHECK(eventually([&] { return consumer.wait_for(1).back().at("gitsync-hash") == second; }));
}

TEST_CASE_FIXTURE(Fixture, "a second synchronizer on the same root is refused and disturbs nothing, until the first has ended") {
  const std::string first = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  const Tree before = files_below(root / ".worktrees" / first);
  SUBCASE("under the same name") {}
  SUBCASE("under another name") {
    fs::create_directory_symlink(root, directory / "elsewhere");
    settings.root = (directory / "elsewhere").string();
  }
  CHECK_THROWS_WITH_AS(start(), doctest::Contains("in use by another tidemark-sync"), ConfigError);
  CHECK(live() == first);
  CHECK(files_below(root / ".worktrees" / first) == before);
  const std::string second = push("two");
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  synchronizer.reset();
  CHECK(start()->sync_once({}) == Synchronizer::Outcome::unchanged);
  CHECK(live() == second);
}

TEST_CASE_FIXTURE(Fixture, "a branch can go back to an older revision") {
  const std::string first = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  push("two");
  synchronizer->sync_once({});
  remote.git({"update-ref", "refs/heads/main", first});
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(live() == first);
}

TEST_CASE_FIXTURE(Fixture, "an annotated tag is followed to its commit, also when it moves") {
  const std::string first = push("one");
  remote.git({"tag", "-a", "-m", "m", "v1", first});
  settings.ref = "v1";
  auto synchronizer = start();
  synchronizer->sync_once({});
  CHECK(live() == first);
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::unchanged);
  const std::string second = push("two");
  remote.git({"tag", "-a", "-f", "-m", "m", "v1", second});
  synchronizer->sync_once({});
  CHECK(live() == second);
}

TEST_CASE_FIXTURE(Fixture, "a restart with the link already right rewrites nothing and calls the webhook") {
  const std::string commit = push("one");
  start()->sync_once({});
  consumer.wait_for(1);
  const ino_t tree = inode(root / ".worktrees" / commit);
  const ino_t file = inode(root / ".worktrees" / commit / "page.md");
  auto synchronizer = start();
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::unchanged);
  CHECK(synchronizer->ready());
  CHECK(inode(root / ".worktrees" / commit) == tree);
  CHECK(inode(root / ".worktrees" / commit / "page.md") == file);
  CHECK(consumer.wait_for(2).back().at("gitsync-hash") == commit);
}

TEST_CASE_FIXTURE(Fixture, "a published tree that vanishes is put back at the next pass") {
  const std::string commit = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  fs::remove_all(root / ".worktrees");
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(files_below(root / ".worktrees" / commit).size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "an old tree goes in a pass with nothing new once its time is over, also while the remote can't be reached") {
  settings.stale_timeout = 100ms;
  const std::string first = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  push("two");
  synchronizer->sync_once({});
  SUBCASE("with nothing new") {
    CHECK(eventually([&] {
      synchronizer->sync_once({});
      return !fs::exists(root / ".worktrees" / first);
    }));
  }
  SUBCASE("without the remote") {
    fs::rename(remote.path(), directory / "away");
    CHECK(eventually([&] {
      CHECK_THROWS_AS(synchronizer->sync_once({}), TransientError);
      return !fs::exists(root / ".worktrees" / first);
    }));
  }
}

TEST_CASE_FIXTURE(Fixture, "damage in the live tree is repaired by the next sweep, also while the remote is away, and the webhook is not called for it") {
  settings.sweep_period = 20ms;
  const std::string commit = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  consumer.wait_for(1);
  const fs::path tree = root / ".worktrees" / commit;
  const auto pass = [&] {
    try {
      synchronizer->sync_once({});
    } catch (const TransientError&) {
    }
  };
  SUBCASE("a file is gone") { fs::remove(tree / "page.md"); }
  SUBCASE("a file was altered") { write_file(tree / "page.md", "other"); }
  SUBCASE("a file was altered and the remote is away") {
    write_file(tree / "page.md", "other");
    fs::rename(remote.path(), directory / "away");
  }
  SUBCASE("the tree is gone") { fs::remove_all(tree); }
  CHECK(eventually([&] {
    pass();
    return read_file(tree / "page.md") == "one";
  }));
  CHECK(read_file(tree / "other.md") == "other");
  CHECK(has_metric("tidemark_sync_repairs_total 1"));
  CHECK(synchronizer->status().find("\"repairs\":{\"count\":1,\"at\":\"2") != std::string::npos);
  if (fs::exists(directory / "away")) fs::rename(directory / "away", remote.path());
  const std::string next = push("two");
  synchronizer->sync_once({});
  const auto calls = consumer.wait_for(2);
  CHECK(calls.size() == 2);
  CHECK(calls.back().at("gitsync-hash") == next);
  CHECK(calls.back().at("tidemark-previous") == commit);
}

TEST_CASE_FIXTURE(Fixture, "other sparse patterns publish the same commit again and call the webhook") {
  settings.checkout = sync::Checkout::sparse;
  settings.sparse_file = directory / "patterns";
  write_file(settings.sparse_file, "page.md\n");
  const std::string commit = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  CHECK(files_below(root / ".worktrees" / commit).size() == 1);
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::unchanged);
  consumer.wait_for(1);
  write_file(settings.sparse_file, "*.md\n");
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::published);
  CHECK(files_below(root / ".worktrees" / commit).size() == 2);
  CHECK(consumer.wait_for(2).back().at("gitsync-hash") == commit);
  CHECK(has_metric("tidemark_sync_repairs_total 0"));
}

TEST_CASE_FIXTURE(Fixture, "without a sweep nobody looks at the files, and between two sweeps nobody either") {
  SUBCASE("never") { settings.sweep_period = 0s; }
  SUBCASE("seldom") { settings.sweep_period = 1h; }
  const std::string commit = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  fs::remove(root / ".worktrees" / commit / "page.md");
  for (int i = 0; i < 5; ++i) CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::unchanged);
  CHECK_FALSE(fs::exists(root / ".worktrees" / commit / "page.md"));
}

TEST_CASE_FIXTURE(Fixture, "damaged objects are fetched anew and the live tree stays until then") {
  push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  const auto damage = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(root / ".git/objects")) {
      if (!entry.is_regular_file() || entry.path().extension() == ".idx") continue;
      const std::string content = read_file(entry.path());
      fs::remove(entry.path());  // it may be a hard link to the remote's
      write_file(entry.path(), content.substr(0, 12) + std::string(content.size() - 12, 'x'));
    }
  };
  std::string wanted;
  SUBCASE("found while a new revision is published") {
    wanted = push("two");
    synchronizer->sync_once({});
    wanted = remote.commit({{"page.md", {"100644", "three"}}, {"copy.md", {"100644", "one"}}});
    damage();
  }
  SUBCASE("found after a restart") {
    wanted = live();
    damage();
    fs::remove(root / "link");
    synchronizer.reset();
    synchronizer = start();
  }
  synchronizer->sync_once({});
  CHECK(live() == wanted);
  CHECK(trimmed(run({"git", "-C", (root / "link").string(), "status", "--porcelain"})) == "");
  CHECK(trimmed(run({"git", "-C", root.string(), "fsck", "--no-dangling"})) == "");
}

TEST_CASE_FIXTURE(Fixture, "an outage of the remote leaves what is published, and is an error that may pass") {
  const std::string commit = push("one");
  auto synchronizer = start();
  synchronizer->sync_once({});
  fs::rename(remote.path(), directory / "away");
  CHECK_THROWS_AS(synchronizer->sync_once({}), TransientError);
  CHECK(live() == commit);
  CHECK(synchronizer->ready());
  CHECK(has_metric("git_sync_count_total{status=\"error\"} 1"));
  fs::rename(directory / "away", remote.path());
  CHECK(synchronizer->sync_once({}) == Synchronizer::Outcome::unchanged);
}

TEST_CASE_FIXTURE(Fixture, "before the first success --max-failures ends the loop with 1") {
  settings.ref = "no-such-branch";
  settings.period = 10ms;
  push("one");
  SUBCASE("at the first failure by default") { CHECK(start()->loop({}) == 1); }
  SUBCASE("after as many as were given") {
    settings.max_failures = 3;
    CHECK(start()->loop({}) == 1);
    CHECK(has_metric("git_sync_count_total{status=\"error\"} 3"));
  }
  CHECK_FALSE(fs::exists(fs::symlink_status(root / "link")));
}

TEST_CASE_FIXTURE(Fixture, "with --one-time the loop ends after one pass and one call of the webhook") {
  const std::string commit = push("one");
  settings.one_time = true;
  SUBCASE("with 0") { CHECK(start()->loop({}) == 0); }
  SUBCASE("with 1 when the call failed; the link stays") {
    consumer.status = 500;
    CHECK(start()->loop({}) == 1);
  }
  CHECK(live() == commit);
  CHECK(consumer.wait_for(1).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the loop syncs on a hint, goes on through outages and ends when it is told to") {
  const std::string first = push("one");
  auto synchronizer = start();
  std::stop_source stop;
  int code = -1;
  std::thread loop([&] { code = synchronizer->loop(stop.get_token()); });
  CHECK(eventually([&] { return synchronizer->ready(); }));
  fs::rename(remote.path(), directory / "away");
  synchronizer->hint();
  CHECK(eventually([&] { return has_metric("git_sync_count_total{status=\"error\"} 1"); }));
  fs::rename(directory / "away", remote.path());
  const std::string second = push("two");
  synchronizer->hint();
  CHECK(eventually([&] { return live() == second; }));
  stop.request_stop();
  loop.join();
  CHECK(code == 0);
}

TEST_CASE_FIXTURE(Fixture, "over HTTP: not ready, then ready; health, metrics, and a hint") {
  push("one");
  auto synchronizer = start();
  const auto server = sync::make_http_server(*ListenAddress::parse("127.0.0.1:0"), *synchronizer, metrics, log);
  server->start();
  HttpClient client;
  const auto ask = [&](const std::string& method, const std::string& path, std::map<std::string, std::string> headers = {}) {
    HttpCall call;
    call.method = method;
    call.url = "http://" + server->address() + path;
    call.headers = std::move(headers);
    return client.call(call);
  };
  CHECK(ask("GET", "/").status == 503);
  CHECK(ask("GET", "/readyz").status == 503);
  CHECK(ask("GET", "/healthz").status == 200);
  synchronizer->sync_once({});
  CHECK(ask("GET", "/").status == 200);
  CHECK(ask("GET", "/readyz").status == 200);
  const std::string exposition = ask("GET", "/metrics").body;
  for (const std::string& line : std::vector<std::string>{"git_sync_duration_seconds_count{status=\"success\"} 1", "git_sync_count_total{status=\"success\"} 1", "git_fetch_count_total 1",
                                 "tidemark_sync_last_success_timestamp_seconds ", "tidemark_sync_revision_info{commit=\"" + live() + "\",ref=\"HEAD\"} 1"}) {
    CAPTURE(line);
    CHECK(exposition.find(line) != std::string::npos);
  }
  CHECK(ask("POST", "/sync").status == 200);
  CHECK(wakeup.wait_until(Wakeup::Clock::now(), {}) == Wakeup::Cause::notified);
  CHECK(ask("GET", "/sync").status == 405);
  CHECK(ask("POST", "/sync", {{"Origin", "http://evil.example"}}).status == 403);
  CHECK(ask("POST", "/sync", {{"Host", "evil.example"}}).status == 403);
  CHECK(wakeup.wait_until(Wakeup::Clock::now(), {}) == Wakeup::Cause::deadline);
}
