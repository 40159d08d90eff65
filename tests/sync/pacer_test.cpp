#include "sync/listen/pacer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

using namespace tidemark::sync;
using namespace std::chrono_literals;

namespace {

bool reaches(const std::atomic<int>& count, int wanted) {
  for (const auto deadline = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < deadline; std::this_thread::yield())
    if (count == wanted) return true;
  return false;
}

}  // namespace

TEST_CASE("Of many calls the first acts at once, and the others once together after the pause") {
  std::atomic<int> acts = 0;
  Pacer pacer([&] { ++acts; }, 200ms);
  const auto start = std::chrono::steady_clock::now();
  pacer.ask();
  REQUIRE(reaches(acts, 1));
  for (int i = 0; i < 1000; i++) pacer.ask();
  REQUIRE(reaches(acts, 2));
  CHECK(std::chrono::steady_clock::now() - start >= 200ms);
}

TEST_CASE("A call after the pause acts at once, and the end does not wait for the pause") {
  std::atomic<int> acts = 0;
  const auto start = std::chrono::steady_clock::now();
  {
    Pacer pacer([&] { ++acts; }, 1h);
    pacer.ask();
    REQUIRE(reaches(acts, 1));
    pacer.ask();
  }
  CHECK(acts == 1);
  CHECK(std::chrono::steady_clock::now() - start < 10s);
}
