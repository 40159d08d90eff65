// This process as a holder of leases.
#pragma once

#include <string>

#include "daemon/units.hpp"

namespace tidemark::ingest::elasticsearch {

struct Holder {
  std::string id;    // random
  std::string name;  // for people: host name and process id
  Duration duration;
};

Holder this_process(Duration lease_duration);

}  // namespace tidemark::ingest::elasticsearch
