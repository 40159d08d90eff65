// The objects that are needed: all below some commits, as git has it. Internal to sync/.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "git/libgit2.hpp"
#include "git/object_store.hpp"

namespace tidemark::sync {

// Of an object of any kind; it is not read.
struct ObjectHeader {
  std::size_t size = 0;
  git_object_t kind = GIT_OBJECT_INVALID;
};
// Throws git::Error when it is missing or can't be read.
ObjectHeader header_of(const git::ObjectStore& store, const git::Oid& object);

// Every commit or tree in it has all that is below it in it: a commit's parents up to the shallow boundary, trees' entries but for submodules.
class Reachable {
 public:
  // A longer history loses little when a branch is rewritten, and would take long to walk.
  static constexpr std::size_t max_commits = 2'000;
  static constexpr std::size_t max_objects = 2'000'000;  // 100 MB of memory

  // `store` outlives it.
  explicit Reachable(const git::ObjectStore& store, std::stop_token stop = {});

  // Adds objects of any kind with what is below them. Throws git::Error when one can't be read, when there are too many, and at
  // `stop`: it is of no use then.
  void add(const std::vector<git::Oid>& roots);
  bool contains(const git::Oid& oid) const { return walked_.contains(oid) || blobs_.contains(oid); }

 private:
  void add_root(git::Oid root);
  void add_commits();
  void add_tree(const git::Oid& root);
  void check() const;

  const git::ObjectStore& store_;
  std::stop_token stop_;
  std::unordered_set<git::Oid> shallow_;
  std::unordered_set<git::Oid> walked_;  // commits, trees and tags
  std::unordered_set<git::Oid> blobs_;   // apart from those: a hostile tree may call a tree one
  std::vector<git::Oid> commits_;        // yet to be walked
  std::vector<git::Oid> trees_;          // likewise
  std::size_t commit_count_ = 0;
};

// What the refs and HEAD of a repository name.
std::vector<git::Oid> named_objects(git_repository* repository);

// The commits of the trees that are there, those that are about to go included. Some may be missing.
std::vector<git::Oid> checked_out(const std::filesystem::path& git_directory);

// The loose objects below `git_directory`.
std::vector<git::Oid> loose_objects(const std::filesystem::path& git_directory);

}  // namespace tidemark::sync
