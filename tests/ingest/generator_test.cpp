#include "ingest/generator.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tidemark::ingest {
namespace {

std::vector<int> take_all(Generator<int>& generator) {
  std::vector<int> items;
  while (auto item = generator.next()) items.push_back(*item);
  return items;
}

}  // namespace

TEST_CASE("a generator gives every item in order, whatever the limits") {
  for (const QueueLimits limits : {QueueLimits{1, 0}, QueueLimits{1, 100}, QueueLimits{2, 1}, QueueLimits{7, 50}, QueueLimits{1'000, 1'000'000}}) {
    for (const int count : {0, 1, 2, 3, 1'000}) {
      Generator<int> generator(limits, [&](const Generator<int>::Emit& emit) {
        for (int i = 0; i < count; ++i) emit(i, static_cast<std::size_t>(i % 60));
      });
      std::vector<int> expected;
      for (int i = 0; i < count; ++i) expected.push_back(i);
      CHECK(take_all(generator) == expected);
      CHECK_FALSE(generator.next());
    }
  }
}

TEST_CASE("a generator hands on what was made before an exception, then the exception") {
  Generator<int> generator({100, 1'000}, [](const Generator<int>::Emit& emit) {
    emit(1, 1);
    emit(2, 1);
    throw std::runtime_error("broken");
  });
  CHECK(generator.next() == 1);
  CHECK(generator.next() == 2);
  CHECK_THROWS_WITH(generator.next(), "broken");
  CHECK_FALSE(generator.next());
}

TEST_CASE("a wider limit lets a producer go on that waits for room") {
  std::promise<void> done;
  Generator<int> generator({2, 100}, [&](const Generator<int>::Emit& emit) {
    for (int i = 0; i < 50; ++i) emit(i, 1);
    done.set_value();
  });
  auto all_made = done.get_future();
  CHECK(all_made.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);  // nobody has taken anything
  generator.limit({1'000, 1'000});
  CHECK(all_made.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(take_all(generator).size() == 50);
}

TEST_CASE("a generator's producer stays within the limits, and ends when the taker goes") {
  std::atomic<int> made = 0;
  {
    Generator<std::string> generator({1'000, 4'000}, [&](const Generator<std::string>::Emit& emit) {
      while (emit(std::string(100, 'x'), 100)) ++made;
    });
    CHECK(generator.next());
  }
  CHECK(made <= 81);  // 4,000 bytes ahead in two portions, and once more while the first was taken
}

TEST_CASE("a taker that waits gets the first few items while the next ones are made") {
  std::promise<void> taken;
  Generator<int> generator({640, 640'000}, [&](const Generator<int>::Emit& emit) {
    for (int i = 0; i < 10; ++i) emit(i, 1);  // a 64th of what may lie between the two
    REQUIRE(taken.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    emit(10, 1);
  });
  for (int i = 0; i < 10; ++i) CHECK(generator.next() == i);
  CHECK_FALSE(generator.ready());
  taken.set_value();
  CHECK(generator.next() == 10);
  CHECK_FALSE(generator.next());
  CHECK(generator.ready());  // the end does not wait
}

TEST_CASE("what is given back to a generator is destroyed by the producer's thread while there is one") {
  std::atomic<std::thread::id> producer;
  std::atomic<int> alive = 0;
  std::atomic<int> destroyed_by_producer = 0;
  const auto destroy = [&](const int* number) {
    if (std::this_thread::get_id() == producer.load()) ++destroyed_by_producer;
    --alive;
    delete number;
  };
  using Item = std::unique_ptr<const int, std::function<void(const int*)>>;
  constexpr int items = 1'000;
  {
    Generator<Item> generator({8, 1'000}, [&](const Generator<Item>::Emit& emit) {
      producer = std::this_thread::get_id();
      for (int i = 0; i < items; ++i) {
        ++alive;
        emit(Item(new const int(i), destroy), 1);
      }
    });
    while (auto item = generator.next()) {
      std::vector<Item> done;
      done.push_back(std::move(*item));
      generator.give_back(std::move(done));
      CHECK(alive <= 16 + 8);  // two portions and the queue: what is given back does not pile up
    }
    CHECK(destroyed_by_producer >= items - 16);  // all but what came back after the last item
  }
  CHECK(alive == 0);
}

}  // namespace tidemark::ingest
