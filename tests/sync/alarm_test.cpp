#include "sync/alarm.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>

#include "sync/time_limit.hpp"

using namespace std::chrono_literals;
using tidemark::sync::Alarm;
using tidemark::sync::TimeLimit;

TEST_CASE("an alarm calls in the order of time, not of asking, and not before its time") {
  Alarm alarm;
  const auto begun = Alarm::Clock::now();
  std::string order;
  std::promise<Alarm::Clock::time_point> last;
  const Alarm::Call never(alarm, begun + 1h, [&] { order += "never"; });
  const Alarm::Call third(alarm, begun + 30ms, [&] {
    order += "3";
    last.set_value(Alarm::Clock::now());
  });
  const Alarm::Call first(alarm, begun + 10ms, [&] { order += "1"; });
  const Alarm::Call second(alarm, begun + 20ms, [&] { order += "2"; });
  auto ended = last.get_future();
  REQUIRE(ended.wait_for(10s) == std::future_status::ready);
  CHECK(ended.get() >= begun + 30ms);
  CHECK(order == "123");
}

TEST_CASE("two calls of the same moment are both made, and one in the past at once") {
  Alarm alarm;
  const auto time = Alarm::Clock::now() - 1s;
  std::promise<void> one;
  std::promise<void> other;
  const Alarm::Call first(alarm, time, [&] { one.set_value(); });
  const Alarm::Call second(alarm, time, [&] { other.set_value(); });
  CHECK(one.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(other.get_future().wait_for(10s) == std::future_status::ready);
}

TEST_CASE("a call that is taken back is not made, and those after it are") {
  Alarm alarm;
  std::atomic<bool> called = false;
  std::promise<void> later;
  auto taken_back = std::make_unique<Alarm::Call>(alarm, Alarm::Clock::now() + 20ms, [&] { called = true; });
  taken_back.reset();
  const Alarm::Call next(alarm, Alarm::Clock::now() + 40ms, [&] { later.set_value(); });
  REQUIRE(later.get_future().wait_for(10s) == std::future_status::ready);
  CHECK_FALSE(called);
}

TEST_CASE("taking back a call that is being made waits for its end") {
  Alarm alarm;
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<bool> left = false;
  auto call = std::make_unique<Alarm::Call>(alarm, Alarm::Clock::now(), [&] {
    entered.set_value();
    leave.get_future().wait();
    left = true;
  });
  REQUIRE(entered.get_future().wait_for(10s) == std::future_status::ready);
  auto taken_back = std::async(std::launch::async, [&] { call.reset(); });
  leave.set_value();
  REQUIRE(taken_back.wait_for(10s) == std::future_status::ready);
  CHECK(left);
}

TEST_CASE("calls come and go from several threads") {
  Alarm alarm;
  std::atomic<int> made = 0;
  std::atomic<int> expected = 0;
  const auto work = [&] {
    for (int i = 0; i < 2000; ++i) {
      std::promise<void> done;
      const bool waits = i % 3 == 0;
      const Alarm::Call call(alarm, Alarm::Clock::now() + (waits ? 0us : 1h), [&] {
        made++;
        done.set_value();
      });
      if (!waits) continue;
      expected++;
      REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
    }
  };
  auto other = std::async(std::launch::async, work);
  work();
  other.get();
  CHECK(made == expected);
}

TEST_CASE("a time limit asks to stop when its time is over, and says so; when the outer token stops, it does not say so") {
  Alarm alarm;
  const auto is_stopped = [](const std::stop_token& token) {
    std::promise<void> stopped;
    const std::stop_callback<std::function<void()>> callback(token, [&] { stopped.set_value(); });
    return stopped.get_future().wait_for(10s) == std::future_status::ready;
  };
  const TimeLimit short_one(alarm, {}, 10ms);
  CHECK(is_stopped(short_one.token()));
  CHECK(short_one.passed());

  std::stop_source outer;
  const TimeLimit long_one(alarm, outer.get_token(), 1h);
  CHECK_FALSE(long_one.token().stop_requested());
  outer.request_stop();
  CHECK(is_stopped(long_one.token()));
  CHECK_FALSE(long_one.passed());
}
