// Servers that hang, lie or vanish: the attempt ends in time, and the next one works.
#include <chrono>
#include <functional>
#include <thread>

#include "support/loopback_listener.hpp"
#include "sync/fetch_fixture.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

struct Faults : FetchFixture {
  std::string commit() { return git.commit(large_tree()); }

  // Fails soon after the timeout, with `words`.
  void check_timed_out(const std::string& url, const std::string& words) {
    settings.sync_timeout = milliseconds(300);
    use(url);
    const auto start = Clock::now();
    check_says(failure(), words);
    CHECK(Clock::now() - start < milliseconds(300) + slack);
  }

  // `wait` returns when the server has the attempt hanging.
  void check_stopped(const std::string& url, const std::function<void()>& wait) {
    settings.sync_timeout = std::chrono::minutes(5);
    use(url);
    std::stop_source stop;
    Clock::time_point asked;
    std::thread stopper([&] {
      wait();
      asked = Clock::now();
      stop.request_stop();
    });
    const std::string text = failure(stop.get_token());
    const auto ended = Clock::now();
    stopper.join();
    check_says(text, "stopped");
    CHECK(ended - asked < slack);
  }

  void check_works_afterwards(const std::string& expected) {
    settings.sync_timeout = std::chrono::seconds(30);
    const GitHttpServer healthy(served);
    use(healthy.url("r.git"));
    CHECK(fetched() == expected);
    check_complete(expected);
    CHECK(run({"find", (root() / ".git").string(), "-name", "*.lock", "-o", "-name", "pack_git2*", "-o", "-name", "tmp_*"}).empty());
  }
};

// Accepts nobody: connections wait in its full queue.
class FullListener {
 public:
  FullListener() {
    for (int& descriptor : fill_) {
      descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      connect(descriptor, listener_.address(), LoopbackListener::address_size);
    }
  }
  ~FullListener() {
    for (const int descriptor : fill_) close(descriptor);
  }
  std::string port() const { return std::to_string(listener_.port()); }

 private:
  LoopbackListener listener_{0};
  int fill_[3];
};

}  // namespace

TEST_CASE_FIXTURE(Faults, "a server that never answers ends the attempt at the timeout and at a stop") {
  const std::string head = commit();
  {
    const GitHttpServer server(served, {"--hang", "refs"});
    check_timed_out(server.url("r.git"), "not done after 300ms");
  }
  GitHttpServer server(served, {"--hang", "refs"});
  check_stopped(server.url("r.git"), [&] { server.wait_for_hang(); });
  check_works_afterwards(head);
}

TEST_CASE_FIXTURE(Faults, "a transfer that stands still ends at the timeout and at a stop") {
  const std::string head = commit();
  {
    const GitHttpServer server(served, {"--hang", "pack"});
    use(server.url("r.git"));
    const RemoteRef ref = fetcher->resolve({});
    settings.sync_timeout = milliseconds(300);
    make_fetcher();
    const auto start = Clock::now();
    CHECK_THROWS_WITH_AS(fetcher->fetch(ref, {}), doctest::Contains("not done after 300ms"), tidemark::TransientError);
    CHECK(Clock::now() - start < milliseconds(300) + slack);
  }
  GitHttpServer server(served, {"--hang", "pack"});
  check_stopped(server.url("r.git"), [&] { server.wait_for_hang(); });
  check_works_afterwards(head);
}

TEST_CASE_FIXTURE(Faults, "a connection that is never made ends at the timeout and at a stop") {
  const FullListener listener;
  for (const char* scheme : {"http://127.0.0.1:", "git://127.0.0.1:", "ssh://git@127.0.0.1:"}) {
    CAPTURE(scheme);
    settings.ssh_known_hosts = false;
    check_timed_out(scheme + listener.port() + "/r.git", "not done after 300ms");
    check_stopped(scheme + listener.port() + "/r.git", [] {});
  }
}

TEST_CASE_FIXTURE(Faults, "an ssh or git server that says nothing ends at the timeout and at a stop") {
  // The kernel accepts; nobody reads.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  listen(listener, 16);
  settings.ssh_known_hosts = false;
  for (const char* scheme : {"git://127.0.0.1:", "ssh://git@127.0.0.1:"}) {
    CAPTURE(scheme);
    const std::string url = scheme + std::to_string(ntohs(address.sin_port)) + "/r.git";
    check_timed_out(url, "not done after 300ms");
    close(accept(listener, nullptr, nullptr));
    int connection = -1;
    check_stopped(url, [&] { connection = accept(listener, nullptr, nullptr); });
    close(connection);
  }
  close(listener);
}

TEST_CASE_FIXTURE(Faults, "what is no git server and bytes that were damaged on the way are refused, and nothing of them is kept") {
  const std::string head = commit();
  {
    const GitHttpServer server(served, {"--garbage", "refs"});
    use(server.url("r.git"));
    CHECK(failure() != "");
  }
  {
    const GitHttpServer server(served, {"--garbage", "pack"});
    use(server.url("r.git"));
    CHECK(failure() != "");
    CHECK_FALSE(tidemark::git::ObjectStore(root() / ".git").contains(*tidemark::git::Oid::parse(head)));
  }
  {
    const GitHttpServer server(served, {"--status", "503"});
    use(server.url("r.git"));
    check_says(failure(), "503");
  }
  check_works_afterwards(head);
}

TEST_CASE_FIXTURE(Faults, "a slow server is waited for") {
  const std::string head = commit();
  const GitHttpServer server(served, {"--delay", "0.2"});
  use(server.url("r.git"));
  CHECK(fetched() == head);
}
