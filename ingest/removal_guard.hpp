// What stops a run that would empty the index by mistake.
#pragma once

#include <cstdint>

namespace tidemark::ingest {

// "50%": over that share of the index's documents and over 100 of them, a run's removals need a confirmation. 100 switches the guard off.
struct RemovalGuard {
  static constexpr std::int64_t tolerated = 100;  // documents

  int percent = 50;

  // `losses`: documents that would be removed and whose content comes back nowhere else. `nothing_left`: the target has no document at all, which is
  // refused however few there were.
  bool refuses(std::int64_t losses, std::int64_t documents, bool nothing_left) const;
};

}  // namespace tidemark::ingest
