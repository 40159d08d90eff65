// Where a repository's objects are, found without opening it (gitrepository-layout(5)). Internal to git/.
#pragma once

#include <filesystem>

namespace tidemark::git {

// The folder that holds `objects` and `config`: `git_directory` itself, or where a worktree's `.git` file and its `commondir` lead.
// Throws Error when that is no repository.
std::filesystem::path common_directory(const std::filesystem::path& git_directory);

// Throws Unsupported when the config names an object format other than sha1. A config that is missing or can't be read says nothing.
void check_object_format(const std::filesystem::path& common_directory);

// There are packs of a partial clone, which may lack blobs on purpose.
bool is_partial_clone(const std::filesystem::path& common_directory);

}  // namespace tidemark::git
