// An object's id, computed from its content by OpenSSL. Internal to git/.
#pragma once

#include <string_view>

#include "git/oid.hpp"

namespace tidemark::git {

// `kind` as in an object's header: "blob", "tree", "commit", "tag".
Oid hash_object(std::string_view kind, std::string_view content);

}  // namespace tidemark::git
