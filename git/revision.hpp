// A commit, as far as an index needs it.
#pragma once

#include <cstdint>
#include <vector>

#include "git/oid.hpp"

namespace tidemark::git {

struct Revision {
  Oid commit;
  Oid tree;
  std::int64_t committed_at = 0;  // seconds since 1970, the committer's
  std::vector<Oid> parents;
  bool operator==(const Revision&) const = default;
};

}  // namespace tidemark::git
