// The one thing that is read from a repository's config: where it was cloned from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tidemark::git {

// `remote.origin.url` of the repository, or nothing. `git_directory` as for ObjectStore. The URL may hold credentials: never log it as it is. Throws
// Error when there is no repository.
std::optional<std::string> origin_url(const std::filesystem::path& git_directory);

}  // namespace tidemark::git
