// A repository's object database, put together from its packs, its loose objects and its alternates. For git/ and sync/.
#pragma once

#include <filesystem>

#include "git/libgit2.hpp"

namespace tidemark::git {

// `objects`: the folder. Throws Error.
OdbHandle open_database(const std::filesystem::path& objects);

}  // namespace tidemark::git
