#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "daemon/backoff.hpp"
#include "daemon/memory.hpp"
#include "daemon/signals.hpp"
#include "daemon/wakeup.hpp"
#include "daemon/worker_pool.hpp"

using namespace tidemark;
using namespace std::chrono_literals;

TEST_CASE("the backoff doubles up to its limit, and chance picks a point in the upper half") {
  const Backoff backoff{.first = 1s, .limit = 60s, .factor = 2};
  CHECK(backoff.delay(1, 0) == 500ms);
  CHECK(backoff.delay(1, 0.5) == 750ms);
  CHECK(backoff.delay(2, 0) == 1s);
  CHECK(backoff.delay(7, 0) == 30s);
  CHECK(backoff.delay(1'000'000, 0) == 30s);
  CHECK(backoff.delay(1'000'000, 0.999) < 60s);
  CHECK(backoff.delay(0, 0.5) == 0s);
}

TEST_CASE("random numbers are at least 0 and below 1, and differ") {
  const double first = random_unit();
  bool differs = false;
  for (int i = 0; i < 1'000; ++i) {
    const double value = random_unit();
    CHECK((value >= 0 && value < 1));
    differs = differs || value != first;
  }
  CHECK(differs);
}

TEST_CASE("a notice before the wait is kept, several are one") {
  Wakeup wakeup;
  wakeup.notify();
  wakeup.notify();
  CHECK(wakeup.wait_until(Wakeup::Clock::now() + 10s, {}) == Wakeup::Cause::notified);
  CHECK(wakeup.wait_until(Wakeup::Clock::now() + 1ms, {}) == Wakeup::Cause::deadline);
}

TEST_CASE("a notice or a stop from another thread ends a wait") {
  Wakeup wakeup;
  {
    const std::jthread notifier([&] { wakeup.notify(); });
    CHECK(wakeup.wait_until(Wakeup::Clock::now() + 10s, {}) == Wakeup::Cause::notified);
  }
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  CHECK(wakeup.wait_until(Wakeup::Clock::time_point::max(), stop.get_token()) == Wakeup::Cause::stopped);
}

TEST_CASE("a stop wins over a notice") {
  Wakeup wakeup;
  wakeup.notify();
  std::stop_source stop;
  stop.request_stop();
  CHECK(wakeup.wait_until(Wakeup::Clock::now() + 10s, stop.get_token()) == Wakeup::Cause::stopped);
}

// Each in a process of its own: a signal mask and a shutdown concern the whole process. `body`'s result is the exit code.
static int exit_code_of(const std::function<int()>& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(body());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("signals become calls on another thread, and SIGPIPE is ignored") {
  CHECK(exit_code_of([] {
          std::mutex mutex;
          std::condition_variable changed;
          int hups = 0;
          int terms = 0;
          const auto main_thread = std::this_thread::get_id();
          bool elsewhere = true;
          const auto count = [&](int& counter) {
            const std::lock_guard lock(mutex);
            ++counter;
            elsewhere = elsewhere && std::this_thread::get_id() != main_thread;
            changed.notify_all();
          };
          const Signals signals({{SIGHUP, [&] { count(hups); }}, {SIGTERM, [&] { count(terms); }}});
          kill(getpid(), SIGPIPE);
          std::unique_lock lock(mutex);
          for (int i = 1; i <= 3; ++i) {
            kill(getpid(), SIGHUP);
            if (!changed.wait_for(lock, 10s, [&] { return hups == i; })) return 1;
          }
          kill(getpid(), SIGTERM);
          if (!changed.wait_for(lock, 10s, [&] { return terms == 1; })) return 2;
          return elsewhere ? 0 : 3;
        }) == 0);
}

TEST_CASE("a signal that the parent had ignored is seen") {
  CHECK(exit_code_of([] {
          signal(SIGHUP, SIG_IGN);
          std::atomic<bool> seen = false;
          const Signals signals({{SIGHUP, [&] {
                                    seen = true;
                                    seen.notify_all();
                                  }}});
          kill(getpid(), SIGHUP);
          alarm(10);
          seen.wait(false);
          return 0;
        }) == 0);
}

TEST_CASE("a shutdown that hangs is ended with its exit code") {
  CHECK(exit_code_of([] {
          fclose(stderr);
          ShutdownDeadline deadline(50ms, 7);
          deadline.arm();
          alarm(10);
          pause();
          return 0;
        }) == 7);
}

TEST_CASE("a shutdown in time is not ended") {
  CHECK(exit_code_of([] {
          {
            ShutdownDeadline deadline(20s, 7);
            deadline.arm();
          }
          return 0;
        }) == 0);
}

TEST_CASE("the allocator takes its settings") {
  keep_memory_small();
  release_free_memory();
}

TEST_CASE("a pool makes threads on demand, queues up to its bound and drops what was not begun") {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int running = 0;
  std::atomic<int> done = 0;
  const auto job = [&] {
    std::unique_lock lock(mutex);
    ++running;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    ++done;
  };
  WorkerPool pool(2, 3);
  for (int i = 0; i < 2; ++i) REQUIRE(pool.submit(job));
  {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 10s, [&] { return running == 2; }));
  }
  for (int i = 0; i < 3; ++i) CHECK(pool.submit(job));
  CHECK_FALSE(pool.submit(job));
  std::jthread stopper([&] { pool.stop(); });
  while (pool.submit([] {})) std::this_thread::yield();
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  changed.notify_all();
  stopper.join();
  CHECK(done <= 5);
  CHECK(done >= 2);
}
