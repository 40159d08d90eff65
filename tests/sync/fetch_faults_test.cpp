// Servers that hang, lie or vanish: the attempt ends in time, and the next one works.
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
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

// Forwards connections to a server on loopback, and of each only so many bytes of its answers: what follows never comes.
class StallingProxy {
 public:
  StallingProxy(int upstream, std::size_t bytes) : upstream_(upstream), bytes_(bytes) {}

  std::string port() const { return std::to_string(listener_.port()); }
  void wait_for_stall() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(30), [this] { return stalls_ > 0; }));
    stalls_ = 0;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (const int client = accept_within(100); client >= 0) {
        forward(client, stop);
        close(client);
      }
    }
  }
  int accept_within(int milliseconds) const {
    pollfd waiting = {listener_.descriptor(), POLLIN, 0};
    return poll(&waiting, 1, milliseconds) == 1 ? accept(listener_.descriptor(), nullptr, nullptr) : -1;
  }
  // Until the client goes.
  void forward(int client, const std::stop_token& stop) {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(upstream_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    for (std::size_t left = bytes_; !stop.stop_requested();) {
      pollfd ends[2] = {{client, POLLIN, 0}, {left > 0 ? server : -1, POLLIN, 0}};
      poll(ends, 2, 100);
      std::array<char, 4096> buffer;
      if (ends[0].revents != 0) {
        const ssize_t count = recv(client, buffer.data(), buffer.size(), 0);
        if (count <= 0) break;
        send(server, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
      }
      if (ends[1].revents != 0) {
        const ssize_t count = recv(server, buffer.data(), std::min(buffer.size(), left), 0);
        if (count <= 0) break;
        send(client, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
        left -= static_cast<std::size_t>(count);
        if (left == 0) stalled();
      }
    }
    close(server);
  }
  void stalled() {
    const std::lock_guard lock(mutex_);
    ++stalls_;
    changed_.notify_all();
  }

  int upstream_;
  std::size_t bytes_;
  LoopbackListener listener_{16};
  std::mutex mutex_;
  std::condition_variable changed_;
  int stalls_ = 0;
  std::jthread thread_{[this](const std::stop_token& stop) { serve(stop); }};
};

std::size_t entries_of(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

// Soon, as the proxy in this process has to notice that its client is gone.
bool soon_has(const char* folder, std::size_t entries) {
  for (const auto deadline = Clock::now() + std::chrono::seconds(10); Clock::now() < deadline; std::this_thread::yield())
    if (entries_of(folder) == entries) return true;
  return false;
}

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

TEST_CASE_FIXTURE(Faults, "over ssh and git:// a transfer that stands still at any stage ends in time, and leaves no thread, descriptor or file") {
  const std::string head = commit();
  const GitDaemon daemon(served);
  SshServer::make_key(directory / "key");
  const SshServer ssh(directory.path(), {directory / "key.pub"});
  settings.ssh_known_hosts = false;
  settings.ssh_key_files = {(directory / "key").string()};
  const std::string user = trimmed(run({"id", "-un"}));
  const int git_port = std::stoi(daemon.url("").substr(std::string("git://127.0.0.1:").size()));
  struct Server {
    std::string begin, path;
    int port;
  };
  for (const auto& [begin, path, port] :
       std::vector<Server>{{"git://127.0.0.1:", "/r.git", git_port}, {"ssh://" + user + "@127.0.0.1:", git.path().string(), ssh.port()}}) {
    for (const std::size_t bytes : {30, 300, 1500, 4000, 40'000}) {
      CAPTURE(begin);
      CAPTURE(bytes);
      StallingProxy proxy(port, bytes);
      const std::string url = begin + proxy.port() + path;
      use(url);
      fetcher.reset();
      const std::size_t threads = entries_of("/proc/self/task");
      const std::size_t descriptors = entries_of("/proc/self/fd");
      check_stopped(url, [&] { proxy.wait_for_stall(); });
      check_timed_out(url, "not done after 300ms");
      fetcher.reset();
      CHECK(soon_has("/proc/self/task", threads));
      CHECK(soon_has("/proc/self/fd", descriptors));
    }
  }
  check_works_afterwards(head);
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
