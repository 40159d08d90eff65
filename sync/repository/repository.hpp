// A repository of ours: ROOT/.git, or that of a submodule. Made, opened, replaced by a new clone beside it when it is damaged; what keeps old objects
// for diffs and the number of packs small.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "git/libgit2.hpp"
#include "git/object_store.hpp"

namespace tidemark::sync {

class Repository {
 public:
  // Opens ROOT/.git, or initialises it (non-bare, nothing checked out). The remote `origin` gets `url` without its credentials. One that is not
  // usable is replaced as by start_afresh(). What a killed process left (locks, unfinished packs) is removed: nobody else writes here. Throws
  // TransientError when the root can't be written.
  Repository(const std::filesystem::path& root, const std::string& url, Log& log);
  // The same for a submodule: FOLDER/NAME, which is bare. `name` is one segment of a path and does not begin with a '.'.
  static Repository of_submodule(const std::filesystem::path& folder, const std::string& name, const std::string& url, Log& log);

  // The objects turned out to be damaged: begins an empty repository beside this one, which is what get() and git_directory() give from now on. The
  // old one stays where readers look for it, with what is still good in it, until complete_replacement(). Not between a resolve and a fetch. May be
  // repeated. When it throws, nothing has changed.
  void start_afresh(const std::string& why);
  // With what was fetched since start_afresh() the new one takes the old one's place, in one step where the file system can exchange names. The
  // records of published trees come along. Otherwise nothing happens. Killed anywhere, the next process finds the old one, or the new one complete.
  void complete_replacement();
  bool is_being_replaced() const { return git_directory_ != place(); }

  // Changes with consolidate_packs, start_afresh and complete_replacement; so does git_directory() with the latter two.
  git_repository* get() const { return handle_.get(); }
  const std::filesystem::path& git_directory() const { return git_directory_; }
  const std::filesystem::path& root() const { return folder_; }  // of the superproject

  // Of the last fetch (0 = the whole history), as far as it is known.
  std::optional<std::int64_t> depth() const;
  void set_depth(std::int64_t depth);

  // Keeps `commit`, which is published, reachable for other git programs (refs/tidemark/revisions/<hex>, and HEAD); only the newest `kept` of these
  // refs stay. Objects are never deleted while a ref needs them. Repositories that were replaced are removed. Throws git::Error.
  void keep(const git::Oid& commit, std::size_t kept);

  // Every fetch leaves one small pack: from `limit` small packs on they become one, written beside them and renamed in before the old ones go.
  // Then, and when the packs have grown to twice of what they were, packs go that no ref, no loose object and none of `needed` (those that are not
  // there do not matter) needs anything of, or little, which is written again; nothing that stays loses what is below it. Histories of more than
  // Reachable::max_commits keep everything, and so does one with an object that can't be read, that is being replaced, or for which the time until
  // `stop` is too short. Readers in other processes
  // are not disturbed. Only a saving, so it logs a failure and leaves everything as it was. Not between a resolve and a fetch.
  void consolidate_packs(std::size_t limit, const std::vector<git::Oid>& needed = {}, std::stop_token stop = {});

 private:
  enum class Kind { superproject, submodule };
  Repository(Kind kind, std::filesystem::path folder, std::string name, const std::string& url, Log& log);

  std::filesystem::path place() const { return folder_ / name_; }
  std::string aside_prefix() const;  // of what is beside it
  std::filesystem::path new_path_beside() const;
  void open();
  void set_origin();
  void set_aside(const std::string& why);
  void initialise_at(const std::filesystem::path& git_directory);
  void take_over_records() const;
  void remove_replaced();
  void rewrite_packs(std::vector<std::filesystem::path> small, const std::vector<git::Oid>& needed, std::stop_token stop);

  Kind kind_;
  std::filesystem::path folder_;
  std::string name_;
  std::filesystem::path git_directory_;
  std::string url_;
  git::RepositoryHandle handle_;
  std::uintmax_t pruned_bytes_ = 0;  // of the packs after the last look for what is not needed
  Log* log_;
};

}  // namespace tidemark::sync
