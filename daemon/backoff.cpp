#include "daemon/backoff.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace tidemark {

Duration Backoff::delay(int failures, double random) const {
  if (failures <= 0) return Duration(0);
  const double longest = static_cast<double>(limit.count());
  const double grown = static_cast<double>(first.count()) * std::pow(factor, failures - 1);
  const double full = std::min(longest, grown);
  return Duration(std::llround(full / 2 + full / 2 * random));
}

double random_unit() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::generate_canonical<double, 53>(generator);
}

}  // namespace tidemark
