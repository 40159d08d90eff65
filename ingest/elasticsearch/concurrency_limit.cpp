#include "ingest/elasticsearch/concurrency_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tidemark::ingest::elasticsearch {

namespace {

// Smaller bulks are mostly the request's own cost, which says nothing about what the server could do beside them.
constexpr std::size_t least_operations = 20;
constexpr double slower_weight = 0.05;
constexpr double faster_weight = 0.4;
constexpr double deviations = 1.5;
constexpr double least_tolerance = 0.15;  // of the mean: round trips are never quite equal
constexpr double after_slowness = 0.9;
constexpr double after_overload = 0.5;

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(std::optional<std::size_t> fixed) : fixed_(fixed) {
  if (fixed_) fixed_ = std::max<std::size_t>(1, *fixed_);
}

std::size_t ConcurrencyLimit::limit() const { return fixed_ ? *fixed_ : static_cast<std::size_t>(limit_); }

void ConcurrencyLimit::answered(Duration round_trip, std::size_t operations, std::size_t in_flight) {
  if (operations < least_operations) return;
  const double took = std::max(std::chrono::duration<double, std::milli>(round_trip).count() / static_cast<double>(operations), 1e-6);
  if (mean_ == 0) {
    mean_ = took;
    deviation_ = took / 4;
    return;
  }
  const double over = took - mean_;
  const bool slow = over > std::max(deviations * deviation_, least_tolerance * mean_);
  if (slow) {
    limit_ = std::max(1.0, limit_ * after_slowness);
  } else if (static_cast<double>(in_flight) >= std::floor(limit_)) {
    limit_ = std::min<double>(greatest, limit_ + 1 / limit_);
  }
  // What more bulks at once have cost must not soon count as usual; what has become faster should.
  mean_ += (over > 0 ? slower_weight : faster_weight) * over;
  if (!slow) deviation_ += faster_weight / 2 * (std::abs(over) - deviation_);
}

void ConcurrencyLimit::overloaded() { limit_ = std::max(1.0, limit_ * after_overload); }

}  // namespace tidemark::ingest::elasticsearch
