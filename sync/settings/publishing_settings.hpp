// The settings of what is published and how: --root, --link, the files, the old trees.
#pragma once

#include "daemon/settings.hpp"
#include "sync/publish/publisher.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// Declares them, and their rules; `settings` lives as long as `options` is used.
void declare_publishing(Settings& options, SyncSettings& settings);

TreeSettings tree_settings(const SyncSettings& settings);

}  // namespace tidemark::sync
