// Submodules: each is fetched at the commit that the tree above it names, into a repository of its own, and becomes a part of what is published.
//
// ROOT/.git/modules/<name> holds a submodule's objects (bare), and stays between revisions, so that an update transfers what changed. `name` is that
// of .gitmodules, those of the repositories around it before it, with everything but letters, digits, '_', '-' and '.' as %XX, and joined by '+'.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/log.hpp"
#include "git/object_store.hpp"
#include "sync/publish/janitor.hpp"
#include "sync/publish/tree_part.hpp"
#include "sync/remote/network.hpp"
#include "sync/repository/gitmodules.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// What lies in a submodule's folder.
struct SubmoduleTree {
  std::string path;  // of its folder below the tree of the superproject
  std::filesystem::path git_directory;
  std::unique_ptr<git::ObjectStore> store;
  git::Revision revision;
};

class Submodules {
 public:
  static constexpr std::size_t max_count = 1000;
  static constexpr std::size_t max_nesting = 32;

  // `git_directory` is the superproject's.
  Submodules(const SyncSettings& settings, std::filesystem::path git_directory, Network& network, Log& log);

  // The submodules of a revision of the superproject, one after the other, each before those within it; with its objects at hand, fetched if need be.
  // With them at hand nobody is asked anything. May be repeated. Nothing for --submodules=off and --checkout=none. Left out are those without an
  // entry in .gitmodules (which the log tells) and those with `update = none`: their folders stay empty, as with git. Throws TransientError when one
  // can't be fetched, StalledError for what is not allowed, each naming the submodule; git::Error for damaged objects.
  std::vector<SubmoduleTree> bring(const git::ObjectStore& superproject, const git::Revision& revision, std::stop_token stop);

  // After a publication: consolidates packs (Repository::consolidate_packs; with nothing never), and removes in the background the repositories that
  // neither the last revision nor any tree that is still there needs. Logs what fails.
  void tidy(std::optional<std::size_t> small_packs, const std::stop_token& stop);

 private:
  struct Parent;
  struct Wanted;
  struct Pass;

  void bring_below(const Parent& parent, Pass& pass);
  Gitmodules gitmodules(const Parent& parent) const;
  std::vector<Wanted> wanted(const Parent& parent, Pass& pass) const;
  std::optional<Wanted> wanted_of(const Parent& parent, const std::string& path, const SubmoduleEntry& entry) const;
  SubmoduleTree bring_one(const Wanted& wanted, const std::stop_token& stop);
  void fetch(const Wanted& wanted, const std::stop_token& stop);
  SubmoduleTree opened(const Wanted& wanted) const;

  const SyncSettings& settings_;
  const std::filesystem::path folder_;
  Network& network_;
  Log& log_;
  Janitor janitor_;
  std::map<std::string, git::Oid> used_;                 // names of those in the last revision, with their commits
  std::set<std::string> checked_;                        // that were opened since the start
  std::map<std::string, std::string> fetched_;           // since the last tidy(), with their URLs
  std::set<std::pair<std::string, git::Oid>> repaired_;  // that were cloned again for a commit
};

// What is published of a revision: the superproject's part, whose repository is `git_directory`, and those of `submodules`, which live longer.
std::vector<TreePart> tree_parts(const git::ObjectStore& superproject, const git::Revision& revision, const std::filesystem::path& git_directory,
                                 const std::vector<SubmoduleTree>& submodules);

// The folder of the submodule `name` of the one in the folder `outer` ("" for the superproject): one segment of a path, no two submodules have the
// same.
std::string submodule_folder(std::string_view outer, std::string_view name);

}  // namespace tidemark::sync
