#include "sync/hooks/webhook.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "daemon/error.hpp"
#include "daemon/http_server.hpp"
#include "support/certificates.hpp"
#include "support/echo_server.hpp"
#include "support/temporary_directory.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace std::chrono_literals;

namespace {

// A consumer that answers what a test wants and keeps what it was sent.
class Consumer {
 public:
  Consumer() {
    server_.route("POST", "/hook", [this](const HttpRequest& request) {
      std::unique_lock lock(mutex_);
      calls_.push_back(request);
      changed_.notify_all();
      if (!changed_.wait_for(lock, 10s, [this] { return open_; })) return HttpResponse{500, "", "text/plain", {}};
      const int status = statuses_.empty() ? 200 : statuses_.front();
      if (!statuses_.empty()) statuses_.erase(statuses_.begin());
      return HttpResponse{status, "", "text/plain", {}};
    });
    server_.start();
  }
  std::string url() const { return "http://" + server_.address() + "/hook"; }
  void answer(std::vector<int> statuses) {
    const std::lock_guard lock(mutex_);
    statuses_ = std::move(statuses);
  }
  // Calls are not answered until it is open again.
  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::vector<HttpRequest> wait_for(std::size_t calls) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 10s, [&] { return calls_.size() >= calls; }));
    return calls_;
  }

 private:
  Log log_{LogFormat::text, LogLevel::error};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> statuses_;
  std::vector<HttpRequest> calls_;
  bool open_ = true;
  HttpServer server_{*ListenAddress::parse("127.0.0.1:0"), {}, log_};
};

struct Fixture {
  Consumer consumer;
  Metrics metrics;
  Log log{LogFormat::text, LogLevel::error};
  Webhook::Settings settings{consumer.url(), 5s, {.first = 1ms, .limit = 2ms}};

  std::string commits(const std::vector<HttpRequest>& calls) const {
    std::string text;
    for (const auto& call : calls) text += call.headers.at("gitsync-hash") + " ";
    return text;
  }
  // Until the counter's line stands in the exposition.
  bool counted(const std::string& status, int value) const {
    const std::string line = "git_sync_hook_run_count_total{name=\"webhook\",status=\"" + status + "\"} " + std::to_string(value);
    for (const auto deadline = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < deadline; std::this_thread::yield())
      if (metrics.exposition().find(line) != std::string::npos) return true;
    return false;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a notice is a POST with an empty body that names commit, ref and the commit before") {
  Webhook webhook(settings, metrics, log);
  webhook.send({"c2", "refs/heads/main", "c1"});
  const auto calls = consumer.wait_for(1);
  CHECK(calls[0].method == "POST");
  CHECK(calls[0].body.empty());
  CHECK(calls[0].headers.at("content-length") == "0");
  CHECK(calls[0].headers.at("gitsync-hash") == "c2");
  CHECK(calls[0].headers.at("tidemark-ref") == "refs/heads/main");
  CHECK(calls[0].headers.at("tidemark-previous") == "c1");
  CHECK(counted("success", 1));
}

TEST_CASE_FIXTURE(Fixture, "any 2xx is success, everything else is tried again") {
  consumer.answer({500, 302, 404, 204});
  Webhook webhook(settings, metrics, log);
  webhook.send({"c1", "main", ""});
  CHECK(counted("success", 1));
  CHECK(counted("error", 3));
  webhook.send({"c2", "main", "c1"});
  const auto calls = consumer.wait_for(5);
  CHECK(commits(calls) == "c1 c1 c1 c1 c2 ");
  CHECK_FALSE(calls[0].headers.contains("tidemark-previous"));
}

TEST_CASE_FIXTURE(Fixture, "of several notices that wait the last is delivered, with what the consumer was told before") {
  consumer.set_open(false);
  Webhook webhook(settings, metrics, log);
  webhook.send({"c1", "main", "c0"});
  consumer.wait_for(1);
  for (const char* commit : {"c2", "c3", "c4"}) webhook.send({commit, "main", "one before"});
  consumer.set_open(true);
  const auto calls = consumer.wait_for(2);
  CHECK(counted("success", 2));
  CHECK(commits(calls) == "c1 c4 ");
  CHECK(calls[1].headers.at("tidemark-previous") == "c1");
}

TEST_CASE_FIXTURE(Fixture, "over https a private authority of --ca-file is trusted") {
  const tidemark::testing::TemporaryDirectory folder;
  const tidemark::testing::CertificateAuthority authority(folder.path(), "authority");
  const auto certificate = authority.issue("server");
  const tidemark::testing::EchoServer server({"--certificate", certificate.certificate.string(), "--key", certificate.key.string()});
  settings.url = server.url("/", "https");
  CHECK_THROWS_AS(Webhook(settings, metrics, log).deliver_once({"c1", "main", ""}), TransientError);
  settings.ca_file = authority.file();
  Webhook(settings, metrics, log).deliver_once({"c1", "main", ""});
}

TEST_CASE_FIXTURE(Fixture, "a newer notice does not wait for the backoff of an older one, and says what the consumer was told before, if anything") {
  std::string told;
  SUBCASE("c0") { told = "c0"; }
  SUBCASE("nothing yet") {}
  consumer.answer({500});
  settings.backoff = {.first = 1h, .limit = 1h};
  Webhook webhook(settings, metrics, log);
  webhook.send({"c1", "main", told});
  CHECK(counted("error", 1));
  webhook.send({"c2", "main", "c1"});
  const auto calls = consumer.wait_for(2);
  CHECK(commits(calls) == "c1 c2 ");
  const auto previous = calls[1].headers.find("tidemark-previous");
  CHECK((previous == calls[1].headers.end() ? "" : previous->second) == told);
}

TEST_CASE_FIXTURE(Fixture, "the end does not wait for a delivery under way or a backoff") {
  const auto start = std::chrono::steady_clock::now();
  SUBCASE("a consumer that does not answer") {
    settings.timeout = 1h;
    consumer.set_open(false);
    Webhook webhook(settings, metrics, log);
    webhook.send({"c1", "main", ""});
    consumer.wait_for(1);
  }
  SUBCASE("a backoff") {
    settings.backoff = {.first = 1h, .limit = 1h};
    consumer.answer({500});
    Webhook webhook(settings, metrics, log);
    webhook.send({"c1", "main", ""});
    CHECK(counted("error", 1));
  }
  CHECK(std::chrono::steady_clock::now() - start < 5s);
  consumer.set_open(true);
}

TEST_CASE_FIXTURE(Fixture, "deliver_once tries once") {
  consumer.answer({500});
  Webhook webhook(settings, metrics, log);
  CHECK_THROWS_AS(webhook.deliver_once({"c1", "main", ""}), TransientError);
  webhook.deliver_once({"c1", "main", ""});
  CHECK(consumer.wait_for(2).size() == 2);
}
