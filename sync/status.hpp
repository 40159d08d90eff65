// GET /status: everything that the sidecar knows of itself, as JSON.
#pragma once

#include <string>
#include <vector>

#include "sync/hooks/hook_queue.hpp"
#include "sync/progress.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// Times are RFC 3339 in UTC. No credential is in it.
std::string status_json(const SyncSettings& settings, const Progress& progress, const std::vector<HookState>& hooks);

}  // namespace tidemark::sync
