// The files of a revision in a directory. Those that are what they were in the published tree become hard links to it; the others are written.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "git/object_store.hpp"
#include "sync/files.hpp"
#include "sync/filters.hpp"
#include "sync/index_file.hpp"

namespace tidemark::sync {

struct CheckoutCounts {
  std::int64_t written = 0;
  std::int64_t linked = 0;

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

// `into` is empty or has what the tree has not. A file is shared with `live` when its path, blob and mode are equal and its size, inode and time of modification are those recorded:
// then nobody wrote to it since. Modes are 0644 and 0755, submodules are empty folders. Memory does not depend on the number of files.
// Throws TransientError (disk, rights, `stop`), StalledError (a name that git refuses), git::Error (a missing or corrupt object).
CheckoutCounts write_checkout(const git::ObjectStore& store, const git::Revision& revision, const Filters& filters, FileDescriptor into, IndexWriter& index,
                              std::optional<PublishedTree> live, std::stop_token stop);

// Every file of the revision is in `live` as it was written. What else lies there is not looked at.
bool checkout_is_intact(const git::ObjectStore& store, const git::Revision& revision, PublishedTree live, std::stop_token stop);

}  // namespace tidemark::sync
