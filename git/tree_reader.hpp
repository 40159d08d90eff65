// One tree object, entry by entry, from its raw bytes (a series of "MODE NAME NUL ID"), checked as `git fsck` does. Internal to git/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "git/change.hpp"
#include "git/object_store.hpp"
#include "git/raw_object.hpp"

namespace tidemark::git {

inline constexpr std::size_t max_tree_depth = 512;
inline constexpr std::size_t max_path_bytes = 64 * 1024;
inline constexpr std::size_t max_open_tree_bytes = 128 * 1024 * 1024;  // of the trees from the root down to the present one
// A few small trees can name each other into billions of paths.
inline constexpr std::size_t max_walked_trees = 1'000'000;
inline constexpr std::size_t max_walked_entries = 10'000'000;

struct TreeEntry {
  std::string_view name;  // gone with the next call
  bool is_tree = false;
  Entry entry;            // of a tree only the oid counts

  bool operator==(const TreeEntry&) const = default;
};

// git's order within a tree: as if the names of folders ended in '/'. It makes a walk visit paths in byte order.
int compare_in_tree(const TreeEntry& left, const TreeEntry& right);

// What one walk or diff may use at most.
struct WalkBudget {
  std::size_t open_bytes = max_open_tree_bytes;
  std::size_t trees = max_walked_trees;
  std::size_t entries = max_walked_entries;
};

class TreeReader {
 public:
  // Throws ObjectMissing, Error. `budget` outlives the reader.
  TreeReader(const ObjectStore& store, const Oid& tree, WalkBudget& budget);
  ~TreeReader();
  TreeReader(const TreeReader&) = delete;
  TreeReader& operator=(const TreeReader&) = delete;

  bool at_end() const { return at_end_; }
  const TreeEntry& entry() const { return entry_; }
  // Throws Error for what git would not have written: out of order, double, an unknown mode, a name that is empty, ".", ".." or ".git" or holds a '/'.
  void next();

 private:
  void parse();
  void check_name() const;
  void check_order(const TreeEntry& previous);
  [[noreturn]] void fail(const std::string& reason) const;

  Oid tree_;
  WalkBudget& budget_;
  OdbObjectHandle object_;
  std::string_view rest_;
  TreeEntry entry_;
  bool at_end_ = false;
  std::vector<std::string_view> shadowed_;  // names of files so far that begin the present name: a folder must not repeat one
};

}  // namespace tidemark::git
