// What git-sync v3 leaves on a volume that it published on: trees in the root itself, ROOT/<commit> (before v3.2 ROOT/rev-<commit>), each with a
// `.git` file that points to ROOT/.git/worktrees/<same name>. Internal to sync/.
#pragma once

#include <filesystem>
#include <string>

namespace tidemark::sync {

// Whether ROOT/<name> is such a tree: by its name and its `.git` file. False when it cannot be read.
bool is_v3_tree(const std::filesystem::path& root, const std::string& name);
// Whether ROOT/.git/worktrees/<name> has a name that only v3 gave.
bool is_v3_admin_name(const std::string& name);

}  // namespace tidemark::sync
