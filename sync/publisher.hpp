// ROOT/.worktrees/<commit>/ and ROOT/<link>: what consumers see. The live tree is never touched before its successor is live.
//
// A tree is made as ROOT/.worktrees/.new-<random>/tree, beside it `admin`, which becomes ROOT/.git/worktrees/<commit> (gitrepository-layout(5)) and lets git work in the tree.
// One syncfs, then three renames: admin, tree, link. A process killed between any two of them leaves the old link to the old tree, and names that clean() removes.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "daemon/log.hpp"
#include "git/object_store.hpp"
#include "sync/checkout.hpp"
#include "sync/janitor.hpp"
#include "sync/settings.hpp"

namespace tidemark::sync {

// Whether unchanged files are hard links to those of the tree before: not when somebody may write to them.
enum class Sharing { hard_links, nothing };

class Publisher {
 public:
  // Makes the root and the link's folder where they are missing. `link` is absolute or relative to the root. Throws ConfigError for a link that is something else than a symbolic
  // link or lies where the trees are, TransientError when the root can't be written.
  Publisher(const std::filesystem::path& root, const std::filesystem::path& link, Checkout checkout, Log& log, Sharing sharing = Sharing::hard_links);

  // The commit that the link names, whatever became of its tree.
  std::optional<git::Oid> linked() const;
  // The same, if the tree is there as publish() made it: as far as a few system calls can tell, so it may be asked at every poll.
  std::optional<git::Oid> published() const;

  // Makes `revision` what the link names. May be repeated: a tree that is live, complete and as it was written is left alone (nothing is given); one with files missing or altered is replaced.
  // Unchanged files are hard links to the live tree's. Throws TransientError (a full disk, missing rights, `stop`; the partial tree is removed first), StalledError for names that git refuses, git::Error.
  std::optional<CheckoutCounts> publish(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop);

  // publish() in two steps, for those who want to look at the tree in between. prepare() makes it under its name and leaves the link; a tree that is live already is replaced at once. flip()
  // gives false when the tree is not there any more as it was made.
  std::optional<CheckoutCounts> prepare(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop);
  bool flip(const git::Oid& commit);
  std::filesystem::path tree(const std::string& commit) const;  // where the files of a commit are
  void hold(std::vector<std::string> commits) { held_ = std::move(commits); }  // trees that are not cleaned up, besides the live one, until the next call

  // Moves what is not live or held out of the way (old trees, what a killed process left) and has it removed in the background. After a publish. Logs what it could not remove.
  // Waits while more than a few trees are left to remove: publishing in a hurry must not fill the disk.
  void clean(std::stop_token stop);
  // The same, and waits until it is removed: before a fetch, when the last pass failed and the disk may be full.
  void clean_and_wait(std::stop_token stop);

 private:
  std::string record(const std::string& filters) const;
  bool is_intact(const git::ObjectStore& store, const git::Revision& revision, const std::string& record, std::stop_token stop) const;
  std::optional<PublishedTree> live_tree(const std::string& record) const;
  void replace_link(const std::string& commit) const;
  bool is_made(const std::string& commit) const;
  void discard_all_but(const std::vector<std::string>& kept, const std::filesystem::path& directory, const std::function<bool(const std::string& name)>& is_ours);

  std::filesystem::path root_;
  std::filesystem::path link_;  // absolute, its folder without symbolic links
  Checkout checkout_;
  Sharing sharing_;
  std::vector<std::string> held_;
  Log& log_;
  Janitor janitor_;
};

}  // namespace tidemark::sync
