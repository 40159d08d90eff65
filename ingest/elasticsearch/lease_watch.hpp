// Whether somebody else's lease still moves, by this process's own clock: the times of two machines are never compared. Pure: the time comes from outside.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "daemon/units.hpp"
#include "ingest/elasticsearch/state_document.hpp"

namespace tidemark::ingest::elasticsearch {

class LeaseWatch {
 public:
  using Clock = std::chrono::steady_clock;

  struct Seen {
    bool vacant = false;
    Duration vacant_for{0};
    Duration vacant_in{0};  // if it goes on to stand still
  };
  // A lease that was given back is vacant at once; any other when it has stood still for its duration (`fallback` if it names none) since it was first seen so.
  Seen look(const std::string& index, const Lease& lease, Duration fallback, Clock::time_point now);

 private:
  struct Last {
    Lease lease;
    Clock::time_point since;
  };
  std::map<std::string, Last> last_;  // by physical index; one that has not been looked at for long is forgotten with the process
};

}  // namespace tidemark::ingest::elasticsearch
