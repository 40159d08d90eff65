// Exponential backoff with jitter. Pure: the random number comes from outside.
#pragma once

#include "daemon/units.hpp"

namespace tidemark {

struct Backoff {
  Duration first = std::chrono::seconds(1);
  Duration limit = std::chrono::minutes(1);
  double factor = 2;

  // How long to wait before the try that follows `failures` failures in a row (1 = after the first): min(limit, first * factor^(failures-1)), of
  // which `random` (0 <= random < 1) chooses a point in the upper half.
  Duration delay(int failures, double random) const;
};

// A uniform random number, 0 <= r < 1, from a generator of the calling thread that was seeded by the system.
double random_unit();

}  // namespace tidemark
