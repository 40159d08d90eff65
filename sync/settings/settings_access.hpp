// The settings of who we are to the remote, and of who may tell us of pushes.
#pragma once

#include "daemon/settings.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// Both over `settings`, which lives as long as `options` is used.
void declare_access(Settings& options, SyncSettings& settings);
void add_access_rules(Settings& options, SyncSettings& settings);

}  // namespace tidemark::sync
