// Every row of one index in the order of (path, fragment), in pages of a point in time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ingest/elasticsearch/index_protocol.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest::elasticsearch {

// Either returns false to end.
struct ListingVisitor {
  std::function<bool(const Listed&)> ours;
  // The `_id` of a row that is not where its path and fragment say: somebody else put it there. Of those without path or fragment no more than a page.
  std::function<bool(const std::string& id)> stranger;
};

// Throws TransientError when a page is not whole (shards failed, timed out, the view expired): what was listed must not be acted upon.
void list_index(IndexProtocol& protocol, const std::string& physical, const std::string& source_name, const ListingVisitor& visitor);

}  // namespace tidemark::ingest::elasticsearch
