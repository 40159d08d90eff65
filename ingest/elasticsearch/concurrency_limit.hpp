// How many bulks may be under way: additive increase while the round trip stays as it is, multiplicative decrease when it grows or the server says that it
// has too much to do (the scheme of TCP's congestion avoidance, RFC 5681, over round trips). Pure: time comes from outside. Not thread-safe.
#pragma once

#include <cstddef>
#include <optional>

#include "daemon/units.hpp"

namespace tidemark::ingest::elasticsearch {

class ConcurrencyLimit {
 public:
  static constexpr std::size_t first = 2;
  static constexpr std::size_t greatest = 8;

  // `fixed`: always that many.
  explicit ConcurrencyLimit(std::optional<std::size_t> fixed = std::nullopt);

  std::size_t limit() const;
  // A bulk of `operations` was answered after `round_trip`, with `in_flight` bulks (itself included) under way when it was sent.
  void answered(Duration round_trip, std::size_t operations, std::size_t in_flight);
  void overloaded();  // 429, 503, a timeout

 private:
  std::optional<std::size_t> fixed_;
  double limit_ = first;
  double mean_ = 0;       // exponentially weighted, milliseconds per operation
  double deviation_ = 0;
};

}  // namespace tidemark::ingest::elasticsearch
