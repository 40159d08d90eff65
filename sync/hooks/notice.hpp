// What hooks and the status say of a published revision.
#pragma once

#include <string>

namespace tidemark::sync {

struct Notice {
  std::string commit;  // hex
  std::string ref;
  std::string previous;  // hex, or ""
};

}  // namespace tidemark::sync
