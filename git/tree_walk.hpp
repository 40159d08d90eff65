// Every entry of a tree, in byte order of the path, with memory for one path and the trees above it.
#pragma once

#include <functional>
#include <string_view>

#include "git/object_store.hpp"

namespace tidemark::git {

// `enter` is asked for each folder ("docs/img", without a trailing slash) and may refuse it; an empty function enters all.
// `visit` returns false to end the walk. Throws ObjectMissing; Error for what git would not have written (out of order, double, unknown modes, names
// that are "", ".", "..", ".git" or hold a '/') and over the limits: 512 deep, paths of 64 KiB, 128 MiB of trees open at once, 1,000,000 folders, 10,000,000 entries.
void walk_tree(const ObjectStore& store, const Oid& tree, const std::function<bool(std::string_view path)>& enter,
               const std::function<bool(std::string_view path, const Entry& entry)>& visit);

// The trees and blobs below a tree by their ids alone. `enter` is asked for each tree below and refuses those whose inside is not wanted (again); submodules are left out.
void walk_trees(const ObjectStore& store, const Oid& tree, const std::function<bool(const Oid& tree)>& enter, const std::function<void(const Oid& blob)>& visit);

// One entry by its path, or nothing.
std::optional<Entry> find_entry(const ObjectStore& store, const Oid& tree, std::string_view path);

}  // namespace tidemark::git
