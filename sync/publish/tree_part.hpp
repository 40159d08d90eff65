// A published tree is made of one repository's tree, or of several: the superproject's and, at its gitlinks, those of its submodules.
#pragma once

#include <filesystem>
#include <string>

#include "git/object_store.hpp"
#include "git/revision.hpp"

namespace tidemark::sync {

struct TreePart {
  std::string path;  // below the tree's folder: "" for the first part, then a gitlink of a part before
  const git::ObjectStore* store = nullptr;
  git::Revision revision;
  std::filesystem::path git_directory;  // absolute and below the root; of the first part always ROOT/.git. No two parts share one.
};

}  // namespace tidemark::sync
