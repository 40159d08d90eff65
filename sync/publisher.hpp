// ROOT/.worktrees/<commit>/ and ROOT/<link>: what consumers see. The live tree is never touched before its successor is live.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>

#include "daemon/log.hpp"
#include "git/object_store.hpp"
#include "sync/settings.hpp"

namespace tidemark::sync {

class Publisher {
 public:
  Publisher(std::filesystem::path root, std::filesystem::path link, Checkout checkout, Log& log);

  // The commit that the link names, if it names one of our trees and that tree is there.
  std::optional<git::Oid> published() const;

  // Makes the tree under a random temporary name (unchanged files are hard links to the live tree's, when size, mtime and inode are still what we wrote; the others are written), one syncfs, renames it to its commit's name, flips the link by one rename.
  // Killed anywhere, the link names a complete tree. Throws TransientError (disk full: the partial tree is removed first), Error.
  void publish(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop);

  // Removes what is neither live nor being made: old trees, temporary names of a killed process. Before a fetch when space is short, and after each publish. Logs what it could not remove.
  void clean();

 private:
  std::filesystem::path root_;
  std::filesystem::path link_;
  Checkout checkout_;
  Log& log_;
};

}  // namespace tidemark::sync
