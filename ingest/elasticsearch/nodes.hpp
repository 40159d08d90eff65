// Which node is asked next: they take turns, and one that failed is left out for a while that grows with each failure. Pure: time and chance come
// from outside.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "daemon/backoff.hpp"

namespace tidemark::ingest::elasticsearch {

// Not thread-safe.
class Nodes {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Nodes(std::size_t count, Backoff backoff = {}) : nodes_(count), backoff_(backoff) {}

  // All of them, in the order in which one request shall ask: first those that are in, by turns, then those that are out, the one that failed longest
  // ago first. One whose time is over is in again for this one request: the others wait for what it brings.
  std::vector<std::size_t> order(Clock::time_point now, double random);
  void failed(std::size_t node, Clock::time_point now, double random);
  void answered(std::size_t node);

 private:
  struct Node {
    int failures = 0;  // in a row
    Clock::time_point failed_at;
    Clock::time_point out_until;
  };
  std::vector<Node> nodes_;
  Backoff backoff_;
  std::size_t next_ = 0;
};

}  // namespace tidemark::ingest::elasticsearch
