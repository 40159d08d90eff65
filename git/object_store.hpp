// A repository's object database, opened alone: no refs, ownership or unknown extensions can refuse it, and the volume may be read-only.
// One store is used by one thread at a time; open another for another thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "git/change.hpp"
#include "git/error.hpp"
#include "git/oid.hpp"
#include "git/revision.hpp"

struct git_odb;
struct git_repository;

namespace tidemark::git {

// Process-wide start of libgit2 with small memory (window 1 MiB, mapped 8 MiB, no object cache). Construct one in main before any thread.
class Library {
 public:
  // Who compares an object's content with its id: ObjectStore and what reads through it always do, at a fifth of what libgit2 takes. libgit2 has to where a
  // process uses its own functions, too.
  enum class Hashing { by_libgit2, by_object_store };

  explicit Library(Hashing hashing = Hashing::by_libgit2);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  static std::string version();  // "1.5.1"
};

class ObjectStore {
 public:
  // `git_directory`: a bare repository, or the `.git` of another; a worktree's `.git` file is followed (gitdir, commondir). Throws Error when there is no object database,
  // Unsupported for object format sha256.
  explicit ObjectStore(const std::filesystem::path& git_directory);
  ~ObjectStore();
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  // Each throws ObjectMissing, or Error when the object is of another kind or corrupt (its content is verified against its id).
  Revision revision(const Oid& commit) const;         // an annotated tag is peeled
  std::int64_t blob_size(const Oid& blob) const;      // from the object's header, without reading it
  // Calls `use` with the blob's bytes, which are gone after it returns.
  void read_blob(const Oid& blob, const std::function<void(std::string_view)>& use) const;

  bool contains(const Oid& oid) const;
  // A commit, one of whose ancestors is `ancestor`, or that is itself: looks at `limit` commits at most and stops at what is not there (shallow). Unknown = false.
  bool is_ancestor(const Oid& ancestor, const Oid& commit, std::size_t limit) const;
  // A quick look that tells whether a diff from this tree is worth a try: the root is there. A prune under way can still take a tree below it, so diff_trees may
  // throw ObjectMissing in mid-run; the caller then falls back as if this had said no.
  bool contains_trees_of(const Oid& tree) const;

  // Looks for packs that came since and lets go of those that went. repository() and database() change.
  void refresh();

  // `remote.origin.url` as it was when the store was opened, or nothing. It may hold credentials: never log it as it is.
  const std::optional<std::string>& origin_url() const { return origin_url_; }
  const std::filesystem::path& directory() const { return common_directory_; }  // another store may be opened with it
  git_repository* repository() const { return repository_; }  // for git/ and sync/
  git_odb* database() const { return odb_; }                  // for git/ and sync/

 private:
  void open();
  void close();
  void check_partial_clone(const Oid& blob) const;

  std::filesystem::path common_directory_;
  std::optional<std::string> origin_url_;
  git_odb* odb_ = nullptr;
  git_repository* repository_ = nullptr;
};

}  // namespace tidemark::git
