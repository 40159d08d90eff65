// What differs between two trees: recursion into unequal tree ids only, so the cost follows the change and not the repository.
#pragma once

#include <functional>

#include "git/object_store.hpp"

namespace tidemark::git {

// Changes in byte order of the path. `visit` returns false to end. A file that became a folder is a removal of the file and additions below it. Throws as walk_tree.
void diff_trees(const ObjectStore& store, const Oid& from_tree, const Oid& to_tree, const std::function<bool(const Change&)>& visit);

}  // namespace tidemark::git
