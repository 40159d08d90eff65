#include "ingest/elasticsearch/bulk_pieces.hpp"

#include <algorithm>
#include <numeric>

namespace tidemark::ingest::elasticsearch {

namespace {

std::int64_t bytes_of(const EncodedOperation& operation) { return static_cast<std::int64_t>(operation.end - operation.begin); }

}  // namespace

OperationIndexes all_of(const EncodedBulk& bulk) {
  OperationIndexes all(bulk.operations.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

std::vector<OperationIndexes> cut(const EncodedBulk& bulk, std::span<const std::size_t> operations, std::int64_t max_bytes,
                                  std::size_t max_operations) {
  std::vector<OperationIndexes> pieces;
  std::int64_t bytes = 0;
  for (const auto at : operations) {
    const auto more = bytes_of(bulk.operations[at]);
    if (pieces.empty() || pieces.back().size() >= max_operations || bytes + more > max_bytes) {
      pieces.emplace_back();
      bytes = 0;
    }
    pieces.back().push_back(at);
    bytes += more;
  }
  return pieces;
}

PieceBody::PieceBody(const EncodedBulk& bulk, std::span<const std::size_t> operations)
    : guarded_(std::ranges::all_of(operations, [&](std::size_t at) { return bulk.operations[at].removal; })) {
  const auto begin = bulk.operations[operations.front()].begin;
  const bool neighbours = operations.back() - operations.front() + 1 == operations.size();
  if (neighbours && !guarded_) {
    text_ = std::string_view(bulk.body).substr(begin, bulk.operations[operations.back()].end - begin);
    return;
  }
  if (guarded_) copied_ = BulkEncoder::guard();
  for (const auto at : operations) {
    const auto& operation = bulk.operations[at];
    copied_.append(bulk.body, operation.begin, operation.end - operation.begin);
  }
  text_ = copied_;
}

}  // namespace tidemark::ingest::elasticsearch
