// What is counted of the talk with the remote.
#pragma once

#include "daemon/metrics.hpp"
#include "sync/progress.hpp"
#include "sync/remote/remote_calls.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// For a fetcher; `metrics` and `progress` must live longer. There is no metric of what the settings do not ask for.
RemoteCalls remote_calls(const SyncSettings& settings, Metrics& metrics, Progress& progress);

}  // namespace tidemark::sync
