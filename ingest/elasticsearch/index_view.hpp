// What a look at the cluster's indexes and aliases means for one source. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingest/elasticsearch/index_protocol.hpp"

namespace tidemark::ingest::elasticsearch {

struct IndexView {
  std::optional<PhysicalIndex> live;   // what readers see, or would if its aliases were right
  std::vector<PhysicalIndex> fills;    // unfinished ones
  std::vector<PhysicalIndex> dead;     // of ours, replaced or condemned: to be deleted
  std::string drift;                   // why the aliases have to be put right: "" = they are
  bool name_taken = false;             // an index bears the alias's own name
};

// Of several that bear the reader alias the greatest name is live. One that lost it but has its `.write` is live when there is no other: only a swap takes
// the reader alias away, and a swap leaves a successor.
IndexView view_of(const std::vector<PhysicalIndex>& indexes, const IndexNames& names);

}  // namespace tidemark::ingest::elasticsearch
