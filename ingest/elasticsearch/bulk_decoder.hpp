// The answer to a `_bulk` request, item by item. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::ingest::elasticsearch {

// What one item's answer means, whatever the product calls it.
enum class ItemVerdict {
  applied,          // 200, 201; 404 of a delete
  conflict,         // 409: another generation has written this document, or somebody by hand
  overloaded,       // 429 (not a block), 500, 502, 503, 504: again, later
  index_blocked,    // cluster_block_exception (disk full, read-only) or index_closed_exception: concerns the index
  index_missing,    // index_not_found_exception, alias without an index, require_alias refused
  document_refused  // one of the listed errors that the document itself causes
};

struct BulkItem {
  ItemVerdict verdict = ItemVerdict::applied;
  int status = 0;
  std::string reason;                  // the engine's words, at most 500 bytes: "type: reason: caused by"
  std::optional<std::int64_t> seq_no;  // set when the engine counted an operation
  bool created = false;                // an index that made the document
  bool deleted = false;                // a delete that found it
};

struct BulkAnswer {
  std::vector<BulkItem> items;
};

// `expected`: how many items were sent (the guard included). Nothing, with a reason in `problem`, for what is no whole answer: not JSON, cut off, another number of
// items, an item that is neither index, delete nor update, or an unknown error of a status below 500 that is in no list.
std::optional<BulkAnswer> decode_bulk(std::string_view body, std::size_t expected, std::string& problem);

// For a whole request or one item: the verdict by HTTP status and the error's `type`. An unknown type with a 4xx status is nothing.
std::optional<ItemVerdict> verdict_of(int status, std::string_view error_type, bool is_delete);

}  // namespace tidemark::ingest::elasticsearch
