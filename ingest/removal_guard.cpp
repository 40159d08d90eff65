#include "ingest/removal_guard.hpp"

namespace tidemark::ingest {

bool RemovalGuard::refuses(std::int64_t losses, std::int64_t documents, bool nothing_left) const {
  if (percent >= 100 || documents <= 0) return false;
  if (nothing_left) return true;
  return losses > tolerated && losses * 100 > documents * percent;
}

}  // namespace tidemark::ingest
