// The loose objects of a folder as a backend of libgit2 (gitformat-loose: zlib of "KIND SIZE NUL CONTENT"). Its own backend loops for ever on an object
// that is cut off, as a power failure leaves one (libgit2 before 1.9.8). Internal to git/.
#pragma once

#include <filesystem>

#include "git/libgit2.hpp"

namespace tidemark::git {

// For reading only. libgit2 frees it with the database that it is added to.
git_odb_backend* make_loose_backend(const std::filesystem::path& objects);

}  // namespace tidemark::git
