// What a killed process leaves in a repository. Internal to sync/.
#pragma once

#include <filesystem>

#include "daemon/log.hpp"

namespace tidemark::sync {

// Removes locks and unfinished packs and objects, libgit2's and git's. Only while nobody else writes to the repository.
void remove_leftovers(const std::filesystem::path& git_directory, Log& log);

}  // namespace tidemark::sync
