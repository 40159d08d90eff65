#include "ingest/elasticsearch/holder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <random>

namespace tidemark::ingest::elasticsearch {

Holder this_process(Duration lease_duration) {
  std::random_device random;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return {.id = fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random()),
          .name = fmt::format("{}/{}", host, getpid()),
          .duration = lease_duration};
}

}  // namespace tidemark::ingest::elasticsearch
