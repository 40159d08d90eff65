// A bulk cut into requests, each of whole operations. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/elasticsearch/bulk_encoder.hpp"

namespace tidemark::ingest::elasticsearch {

using OperationIndexes = std::vector<std::size_t>;  // into EncodedBulk::operations, growing

OperationIndexes all_of(const EncodedBulk& bulk);

// In order, each piece as long as the limits allow; an operation that is over `max_bytes` alone is a piece of its own.
std::vector<OperationIndexes> cut(const EncodedBulk& bulk, std::span<const std::size_t> operations, std::int64_t max_bytes,
                                  std::size_t max_operations);

// The body of one piece's request. `bulk` outlives it: neighbours are not copied.
class PieceBody {
 public:
  PieceBody(const EncodedBulk& bulk, std::span<const std::size_t> operations);
  PieceBody(const PieceBody&) = delete;
  PieceBody& operator=(const PieceBody&) = delete;

  std::string_view text() const { return text_; }
  bool guarded() const { return guarded_; }  // the first item of the answer is the guard's

 private:
  std::string copied_;
  std::string_view text_;
  bool guarded_ = false;
};

}  // namespace tidemark::ingest::elasticsearch
