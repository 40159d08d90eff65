#include "ingest/elasticsearch/concurrency_limit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>

namespace tidemark::ingest::elasticsearch {
namespace {

using std::chrono::milliseconds;

// A server that answers `capacity` bulks of a thousand operations at once in 100 ms each, give or take `noise`; more of them wait for one another.
class Server {
 public:
  Server(double capacity, double noise, unsigned seed) : capacity_(capacity), noise_(noise), random_(seed) {}

  // Rounds of as many bulks as the limit says; the mean limit of the last half.
  double run(ConcurrencyLimit& limit, int rounds) {
    double sum = 0;
    for (int round = 0; round < rounds; ++round) {
      const std::size_t in_flight = limit.limit();
      if (round >= rounds / 2) sum += static_cast<double>(in_flight);
      for (std::size_t i = 0; i < in_flight; ++i) limit.answered(round_trip(in_flight), 1'000, in_flight);
    }
    return sum / (rounds - rounds / 2);
  }

 private:
  Duration round_trip(std::size_t in_flight) {
    const double queueing = std::max(1.0, static_cast<double>(in_flight) / capacity_);
    const double factor = std::uniform_real_distribution<>(1 - noise_, 1 + noise_)(random_);
    return milliseconds(static_cast<int>(100 * queueing * factor));
  }

  double capacity_;
  double noise_;
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("two bulks at once are where it begins, and eight where it ends") {
  CHECK(ConcurrencyLimit().limit() == 2);
  for (unsigned seed = 1; seed <= 20; ++seed) {
    ConcurrencyLimit limit;
    Server wide(100, 0.1, seed);
    CHECK(wide.run(limit, 200) > 7);
    CHECK(limit.limit() <= 8);
  }
}

TEST_CASE("a server that gains nothing from more is not given many more") {
  for (const double capacity : {1.0, 2.0, 3.0}) {
    for (const double noise : {0.02, 0.1, 0.3}) {
      for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(capacity);
        CAPTURE(noise);
        CAPTURE(seed);
        ConcurrencyLimit limit;
        Server server(capacity, noise, seed);
        const double mean = server.run(limit, 400);
        CHECK(mean <= capacity + 2);
        CHECK(mean >= std::min(capacity, 2.0) * 0.7);
      }
    }
  }
}

TEST_CASE("what the server refuses halves the limit, down to one bulk at a time") {
  ConcurrencyLimit limit;
  Server wide(100, 0, 1);
  wide.run(limit, 200);
  REQUIRE(limit.limit() == 8);
  limit.overloaded();
  CHECK(limit.limit() == 4);
  limit.overloaded();
  CHECK(limit.limit() == 2);
  for (int i = 0; i < 100; ++i) limit.overloaded();
  CHECK(limit.limit() == 1);
  CHECK(wide.run(limit, 200) > 7);
}

TEST_CASE("a limit that was not reached does not grow, and small bulks say nothing") {
  ConcurrencyLimit limit;
  for (int i = 0; i < 1'000; ++i) limit.answered(milliseconds(100), 1'000, 1);
  CHECK(limit.limit() == 2);
  for (int i = 0; i < 1'000; ++i) limit.answered(milliseconds(i % 2 == 0 ? 5 : 500), 1, 2);
  CHECK(limit.limit() == 2);
}

TEST_CASE("a fixed limit stays") {
  ConcurrencyLimit limit(5);
  Server server(1, 0.1, 1);
  CHECK(server.run(limit, 100) == 5);
  limit.overloaded();
  CHECK(limit.limit() == 5);
  CHECK(ConcurrencyLimit(0).limit() == 1);
}

TEST_CASE("odd measurements do no harm") {
  ConcurrencyLimit limit;
  for (const auto took : {milliseconds(0), milliseconds(-5), milliseconds(1), Duration::max(), milliseconds(0)}) {
    for (int i = 0; i < 50; ++i) limit.answered(took, 1'000, 8);
    CHECK(limit.limit() >= 1);
    CHECK(limit.limit() <= 8);
  }
  limit.answered(milliseconds(1), 0, 0);
}

}  // namespace tidemark::ingest::elasticsearch
