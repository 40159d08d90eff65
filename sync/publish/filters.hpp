// What .gitattributes asks of a checkout (line ends, ident): libgit2's filters, with the attributes of the commit itself. Programs named by `filter=`
// are not run.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "git/object_store.hpp"

namespace tidemark::sync {

class Filters {
 public:
  // Looks through the tree's names once; a tree without .gitattributes needs no filters.
  Filters(const git::ObjectStore& store, const git::Revision& revision);

  bool any() const { return any_; }
  // Equal for two trees in which equal paths with equal blobs become equal files.
  const std::string& fingerprint() const { return fingerprint_; }
  // Calls `use` with what the blob becomes at `path`.
  void read(const git::Oid& blob, const std::string& path, const std::function<void(std::string_view)>& use) const;

 private:
  const git::ObjectStore& store_;
  git::Oid commit_;
  bool any_ = false;
  std::string fingerprint_ = "unfiltered";
};

}  // namespace tidemark::sync
