// Servers over http(s) that hang, trickle or break off at each stage: the attempt ends in time, leaves nothing behind, and the next one works.
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <thread>

#include "sync/http_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr auto limit = milliseconds(300);

struct HttpFaults : TlsFixture {
  HttpFaults() {
    settings.ca_file = authority.file().string();
    head = git.commit(large_tree());
  }

  // At the timeout and at a stop that comes when the server has `asked` the given number of requests.
  void check_ends_in_time(const std::string& url, std::size_t asked_for) {
    CAPTURE(url);
    settings.sync_timeout = limit;
    use(url);
    const auto start = Clock::now();
    const std::string text = failure();
    const auto took = Clock::now() - start;
    check_says(text, "not done after 300ms; check the network, or raise --sync-timeout");
    CHECK(took < 2 * limit + slack);  // poll and fetch have a limit each
    check_nothing_left();
    requests.take();

    settings.sync_timeout = std::chrono::minutes(5);
    use(url);
    std::stop_source stop;
    Clock::time_point asked_to_stop;
    std::thread stopper([&] {
      std::size_t seen = 0;
      const auto patience = Clock::now() + std::chrono::seconds(20);
      while (seen < asked_for && Clock::now() < patience) {
        seen += requests.take().size();
        poll(nullptr, 0, 5);
      }
      asked_to_stop = Clock::now();
      stop.request_stop();
    });
    const std::string stopped = failure(stop.get_token());
    const auto ended = Clock::now();
    stopper.join();
    check_says(stopped, "stopped");
    CHECK(ended - asked_to_stop < slack);
    check_nothing_left();
  }

  void check_nothing_left() const {
    CHECK(run({"find", (root() / ".git").string(), "-name", "*.lock", "-o", "-name", "pack_git2*", "-o", "-name", "tmp_*", "-o", "-name",
               "*.pack"}) == "");
  }

  void check_heals() {
    settings.sync_timeout = std::chrono::seconds(60);
    for (const auto& options : {std::vector<std::string>{}, tls()}) {
      const GitHttpServer server = serve(options);
      use(server.url("r.git"));
      CHECK(fetched() == head);
      check_complete(head);
      std::filesystem::remove_all(root());
    }
    requests.take();
  }
};

}  // namespace

TEST_CASE_FIXTURE(HttpFaults, "a server that hangs or trickles, in the listing or in the pack, ends an attempt in time, over http and https") {
  for (const auto& fault : std::vector<std::vector<std::string>>{
           {"--hang", "refs"}, {"--trickle", "refs"}, {"--hang", "refs", "--old"}, {"--hang", "pack"}, {"--trickle", "pack"}}) {
    CAPTURE(fault);
    const bool in_pack = fault[1] == "pack";
    const std::size_t asked_for = in_pack ? 3 : 1;  // capabilities, ls-refs, pack
    for (const bool secure : {false, true}) {
      const GitHttpServer server = serve(secure ? tls(fault) : fault);
      check_ends_in_time(server.url("r.git"), asked_for);
    }
  }
  check_heals();
}

TEST_CASE_FIXTURE(HttpFaults, "a peer that never begins TLS ends an attempt in time") {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  listen(listener, 16);
  check_ends_in_time("https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/r.git", 0);
  close(listener);
  check_heals();
}

TEST_CASE_FIXTURE(HttpFaults, "a connection that breaks off in the listing or in the pack is told of, and the next attempt works") {
  for (const char* stage : {"refs", "pack"}) {
    CAPTURE(stage);
    for (const bool secure : {false, true}) {
      const GitHttpServer server = serve(secure ? tls({"--cut", stage}) : std::vector<std::string>{"--cut", stage});
      use(server.url("r.git"));
      check_says(failure(), "127.0.0.1");
      check_says(failure(), "ended before the answer did");
      check_nothing_left();
    }
  }
  check_heals();
}

TEST_CASE_FIXTURE(HttpFaults, "after a server that was down for a while the same fetcher goes on") {
  const int port = free_port();
  const std::vector<std::string> there = {"--port", std::to_string(port)};
  use("http://127.0.0.1:" + std::to_string(port) + "/r.git");
  check_says(failure(), "refused");
  {
    const GitHttpServer server = serve(there);
    CHECK(fetched() == head);
  }
  check_says(failure(), "refused");
  {
    const GitHttpServer server = serve({"--port", std::to_string(port), "--status", "500"});
    check_says(failure(), "500");
  }
  const GitHttpServer server = serve(there);
  CHECK(fetched() == push("later"));
  check_complete(head);
}
