// What the sidecar's settings must fulfil together. The words are ours, the rules git-sync's.
#pragma once

#include "daemon/settings.hpp"
#include "sync/settings.hpp"

namespace tidemark::sync {

// Rules over `settings`, which lives as long as `options` is used.
void add_rules(Settings& options, SyncSettings& settings);

}  // namespace tidemark::sync
