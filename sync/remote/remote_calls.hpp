// Who is told of what a fetcher does beside its work, for the metrics. Each may be empty; all are called on the fetcher's threads.
#pragma once

#include <cstdint>
#include <functional>

namespace tidemark::sync {

struct RemoteCalls {
  std::function<void(bool success)> askpass = {};         // --askpass-url was called
  std::function<void(bool success)> github_app = {};      // a token of the GitHub App was asked for
  std::function<void(std::int64_t bytes)> received = {};  // so many more bytes of packs
};

}  // namespace tidemark::sync
