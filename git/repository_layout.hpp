// Where a repository's objects are, found without opening it (gitrepository-layout(5)). Internal to git/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tidemark::git {

// The folder that holds `objects` and `config`: `git_directory` itself, or where a worktree's `.git` file and its `commondir` lead.
// Throws Error when that is no repository.
std::filesystem::path common_directory(const std::filesystem::path& git_directory);

// What of a repository's config (git-config(1)) matters for reading its objects. One that is missing or can't be read says nothing.
struct RepositoryConfig {
  std::optional<std::string> object_format;  // "sha1"
  std::optional<std::string> origin_url;     // may hold credentials
};
RepositoryConfig read_config(const std::filesystem::path& common_directory);

// There are packs of a partial clone, which may lack blobs on purpose.
bool is_partial_clone(const std::filesystem::path& common_directory);

}  // namespace tidemark::git
