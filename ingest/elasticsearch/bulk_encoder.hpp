// Operations into the body of a `_bulk` request, straight into its buffer. Pure.
// Format: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/document.hpp"
#include "ingest/elasticsearch/document_json.hpp"

namespace tidemark::ingest::elasticsearch {

// Where each operation stands in the body: a batch is cut and sent again by whole operations.
struct EncodedOperation {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool removal = false;
};

struct EncodedBulk {
  std::string body;                          // ends with a line break
  std::vector<EncodedOperation> operations;  // in the order given
};

class BulkEncoder {
 public:
  // Every item carries `generation` as its external_gte version.
  BulkEncoder(DocumentContext context, std::int64_t generation) : context_(std::move(context)), generation_(generation) {}

  // Documents and stubs become `index`, removals `delete`. Throws std::invalid_argument for a document with text that is not UTF-8, and leaves `bulk` as it was.
  void append(EncodedBulk& bulk, const Operation& operation) const;
  // A removal by `_id`: what a stranger put in.
  void append_removal(EncodedBulk& bulk, std::string_view id) const;

  // What a body of removals alone begins with, so that on a lost index no item creates anything: an `update` of an id that does not exist.
  // Its item is 404 on a live index, too, and is not one of the operations.
  static std::string_view guard();

 private:
  DocumentContext context_;
  std::int64_t generation_;
};

}  // namespace tidemark::ingest::elasticsearch
