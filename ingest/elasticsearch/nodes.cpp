#include "ingest/elasticsearch/nodes.hpp"

#include <algorithm>

namespace tidemark::ingest::elasticsearch {

std::vector<std::size_t> Nodes::order(Clock::time_point now, double random) {
  std::vector<std::size_t> in;
  std::vector<std::size_t> out;
  const auto first = next_++;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const auto at = (first + i) % nodes_.size();
    auto& node = nodes_[at];
    const bool is_out = node.failures > 0 && now < node.out_until;
    if (node.failures > 0 && !is_out) node.out_until = now + backoff_.delay(node.failures, random);
    (is_out ? out : in).push_back(at);
  }
  std::ranges::stable_sort(out, {}, [this](std::size_t at) { return nodes_[at].failed_at; });
  in.insert(in.end(), out.begin(), out.end());
  return in;
}

void Nodes::failed(std::size_t at, Clock::time_point now, double random) {
  auto& node = nodes_.at(at);
  constexpr int enough = 30;
  node.failures = std::min(node.failures + 1, enough);
  node.failed_at = now;
  node.out_until = now + backoff_.delay(node.failures, random);
}

void Nodes::answered(std::size_t at) { nodes_.at(at).failures = 0; }

}  // namespace tidemark::ingest::elasticsearch
