// The files of a revision in a directory. Those that are what they were in the published tree share its content; the others are written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "git/object_store.hpp"
#include "sync/publish/files.hpp"
#include "sync/publish/filters.hpp"
#include "sync/publish/index_file.hpp"
#include "sync/publish/sparse_patterns.hpp"

namespace tidemark::sync {

// What unchanged files have in common with those of the tree before. Hard links not when somebody may write to them.
enum class Sharing { hard_links, blocks };

struct CheckoutCounts {
  std::int64_t written = 0;
  std::int64_t linked = 0;  // or cloned

  CheckoutCounts& operator+=(const CheckoutCounts& other) {
    written += other.written;
    linked += other.linked;
    return *this;
  }
};

// A published tree with the record that was made with it.
struct PublishedTree {
  FileDescriptor directory;
  IndexReader index;
};

// How files are made of blobs.
struct CheckoutRules {
  Filters filters;
  mode_t mask = 0022;  // the process' umask
  Sharing sharing = Sharing::hard_links;
  std::shared_ptr<const SparsePatterns> sparse = nullptr;  // null = every file
};

// `into` is empty or has what the tree has not. A file is shared with `live` when its path, blob and mode are equal and its size, inode and time of
// modification are those recorded: then nobody wrote to it since. It becomes a hard link, or a clone that shares its blocks where the file system can
// (ioctl_ficlonerange(2)), else it is written like a changed one. Modes are 0666 and 0777 less the mask, submodules are empty folders. Memory does
// not depend on the number of files. Throws TransientError (disk, rights, `stop`), StalledError (a name that git refuses), git::Error (a missing or
// corrupt object).
CheckoutCounts write_checkout(const git::ObjectStore& store, const git::Revision& revision, const CheckoutRules& rules, FileDescriptor into,
                              IndexWriter& index, std::optional<PublishedTree> live, std::stop_token stop);

// The first file of the revision that is not in `live` as it was written. What else lies there is not looked at.
std::optional<std::string> first_damage(const git::ObjectStore& store, const git::Revision& revision, const CheckoutRules& rules, PublishedTree live,
                                        std::stop_token stop);

}  // namespace tidemark::sync
