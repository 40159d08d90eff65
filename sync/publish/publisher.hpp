// ROOT/.worktrees/<commit>/ and ROOT/<link>: what consumers see. The live tree is never touched before its successor is live.
//
// A tree is made as ROOT/.worktrees/.new-<random>/tree, beside it `admin`, which becomes ROOT/.git/worktrees/<commit> (gitrepository-layout(5)) and
// lets git work in the tree; for a submodule likewise in its own repository. One syncfs, then the renames: admin, those of submodules, tree, link. A
// process killed between any two of them leaves the old link to the old tree, and names that clean() removes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "daemon/log.hpp"
#include "git/object_store.hpp"
#include "sync/publish/checkout.hpp"
#include "sync/publish/old_trees.hpp"
#include "sync/publish/published_link.hpp"
#include "sync/publish/sparse_file.hpp"
#include "sync/publish/tree_part.hpp"
#include "sync/publish/tree_record.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// How trees are made and kept.
struct TreeSettings {
  Checkout checkout = Checkout::full;
  Sharing sharing = Sharing::hard_links;
  mode_t mask = 0022;            // the process' umask
  std::string sparse_file = {};  // with Checkout::sparse: the patterns, read again when the file has changed
  Retention retention = {};      // of old trees
};

class Publisher {
 public:
  // Makes the root and the link's folder where they are missing. `link` is absolute or relative to the root. Throws ConfigError for a link that is
  // something else than a symbolic link or lies where the trees are, TransientError when the root can't be written.
  Publisher(const std::filesystem::path& root, const std::filesystem::path& link, TreeSettings settings, Log& log);

  // The commit that the link names, whatever became of its tree.
  std::optional<git::Oid> linked() const { return link_.commit(); }
  // The same, if the tree is there as publish() made it: as far as a few system calls can tell, so it may be asked at every poll. Throws
  // TransientError when the file of sparse patterns can't be read.
  std::optional<git::Oid> published() const;

  // What is linked was made by other settings than these, another --sparse-checkout-file for instance.
  bool follows_other_rules() const;

  // Makes `revision` what the link names. May be repeated: a tree that is live, complete and as it was written is left alone (nothing is given); one
  // with files missing or altered is replaced. Unchanged files are hard links to the live tree's. Throws TransientError (a full disk, missing rights,
  // `stop`; the partial tree is removed first), StalledError for names that git refuses, git::Error.
  std::optional<CheckoutCounts> publish(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop);

  // publish() in two steps, for those who want to look at the tree in between. prepare() makes it under its name and leaves the link; a tree that is
  // live already is replaced at once. flip() gives false when the tree is not there any more as it was made.
  std::optional<CheckoutCounts> prepare(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop);
  bool flip(const git::Oid& commit);
  // The same for a tree with submodules. The first part is the superproject, whose commit names the tree; each other one lies at a gitlink of a part
  // before it. Other parts than the live tree has are a difference like any other. Without a checkout only the first part counts, as there are no
  // folders for the others.
  std::optional<CheckoutCounts> prepare(std::span<const TreePart> parts, std::stop_token stop);

  std::filesystem::path tree(const std::string& commit) const;  // where the files of a commit are
  // Trees that are not cleaned up, besides the live one, until the next call.
  void hold(std::vector<std::string> commits) { held_ = std::move(commits); }

  // Moves what is neither live nor held nor may stay out of the way (old trees, what a killed process left) and has it removed in the background.
  // After a publish, and when has_expired(). Logs
  // what it could not remove. Waits while more than a few trees are left to remove: publishing in a hurry must not fill the disk.
  void clean(std::stop_token stop) { old_trees_.clean(held_, Space::enough, std::move(stop)); }
  // The same, and waits until it is removed: before a fetch, when the last pass failed and the disk may be full.
  void clean_and_wait(std::stop_token stop, Space space = Space::enough);
  // Removes also the old trees that may stay, and waits, when there may be no room for one more tree: less is free than the live one has, or than a
  // twentieth of the volume. Before a fetch.
  void make_room(std::stop_token stop);
  // An old tree that clean() has left may go now. Looks at the clock alone.
  bool has_expired() const { return old_trees_.has_expired(); }

 private:
  struct Plan;

  std::string rules(const std::string& filters, const SparsePatterns* patterns) const;
  bool is_made(const std::string& commit) const;
  std::optional<std::string> damage(const std::vector<Plan>& plans, const std::stop_token& stop) const;
  std::vector<Plan> planned(std::span<const TreePart> parts) const;
  static bool has_folder(const std::string& path, const std::vector<Plan>& plans, const SparsePatterns& patterns, std::vector<std::string>& left_out);
  static std::vector<PartPlace> others(const std::vector<Plan>& plans);
  std::uint64_t live_bytes() const;
  void make_live(const git::Oid& commit) const;
  std::optional<PublishedTree> live_part(const Plan& plan) const;
  CheckoutCounts write_part(const Plan& plan, const TreeRecord& record, int draft, int tree, const std::stop_token& stop) const;

  std::filesystem::path root_;
  PublishedLink link_;
  const TreeSettings settings_;
  mutable SparseFile sparse_;
  std::vector<std::string> held_;
  Log& log_;
  OldTrees old_trees_;
};

}  // namespace tidemark::sync
