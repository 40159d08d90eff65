// Whether a repository's refs name objects that are there. Internal to sync/.
#pragma once

#include "git/libgit2.hpp"

namespace tidemark::sync {

// Throws git::Error when one does not: fetches fail for ever then, since each begins by telling the server what is here.
void check_refs(git_repository* repository);

}  // namespace tidemark::sync
