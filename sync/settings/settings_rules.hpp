// What the sidecar's settings must fulfil together. The words are ours, the rules git-sync's.
#pragma once

#include <string>

#include "daemon/settings.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// Rules over `settings`, which lives as long as `options` is used.
void add_rules(Settings& options, SyncSettings& settings);

// Whether `path`, absolute or relative to the root, can be a file that tells of something: not the link, and not where the root keeps its own. Pure.
bool is_file_of_its_own(const SyncSettings& settings, const std::string& path);

}  // namespace tidemark::sync
