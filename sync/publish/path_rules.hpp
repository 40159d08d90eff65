// Which names of a tree may become files. Git itself refuses the same (verify_path), since such a file could become a repository's configuration.
#pragma once

#include <string_view>

namespace tidemark::sync {

// One segment of a path: not "", ".", "..", nothing with '/' or NUL, and no spelling of `.git` that a case-insensitive, HFS+ or NTFS file system
// takes for it
// (".GIT", ".g\u200cit", "git~1", ".git. ", ".git::$INDEX_ALLOCATION").
bool is_safe_name(std::string_view name);

}  // namespace tidemark::sync
