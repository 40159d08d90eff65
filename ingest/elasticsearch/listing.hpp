// Every row of one index in the order of (path, fragment), in pages of a point in time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ingest/elasticsearch/index_protocol.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest::elasticsearch {

inline constexpr int listing_page = 10'000;

// `visit` gets our rows; `stranger` the `_id` of each row that is not where its path and fragment say (somebody else put it there). Either returns false to end.
// Throws TransientError when a page is not whole (shards failed, timed out, the view expired): what was listed must not be acted upon.
void list_index(IndexProtocol& protocol, const std::string& physical, const std::string& source_name, const std::function<bool(const Listed&)>& visit,
                const std::function<bool(const std::string& id)>& stranger);

}  // namespace tidemark::ingest::elasticsearch
