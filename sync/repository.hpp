// ROOT/.git: made, opened, repaired by re-cloning beside it; what keeps old objects for diffs and the number of packs small.
#pragma once

#include <filesystem>
#include <string>

#include "daemon/log.hpp"
#include "git/libgit2.hpp"
#include "git/object_store.hpp"

namespace tidemark::sync {

class Repository {
 public:
  // Opens ROOT/.git, or initialises it (non-bare, nothing checked out). The remote `origin` gets `url` without its credentials. A directory that is no usable repository
  // is set aside as .git.damaged-<random> (its published trees stay) and a new one is made; removed after the next publish.
  // What a killed process left (locks, unfinished packs) is removed: nobody else writes here. Throws TransientError when the root can't be written.
  Repository(std::filesystem::path root, const std::string& url, Log& log);

  // Sets a repository aside whose objects turned out to be damaged, as the constructor does, and begins an empty one in its place. Not between a resolve and a fetch.
  // When it throws, there is no repository until it is repeated.
  void start_afresh(const std::string& why);

  // Changes with consolidate_packs and start_afresh.
  git_repository* get() const { return handle_.get(); }
  const std::filesystem::path& root() const { return root_; }
  const std::filesystem::path& git_directory() const { return git_directory_; }

  // Keeps `commit`, which is published, reachable for other git programs (refs/tidemark/revisions/<hex>, and HEAD); only the newest `kept` of these refs stay.
  // Objects are never deleted while one of them needs them. Throws git::Error.
  void keep(const git::Oid& commit, std::size_t kept);

  // Every fetch leaves one small pack: from `limit` small packs on they become one, written beside them and renamed in before the old ones go. Readers in other processes are not disturbed.
  // Only a saving, so it logs a failure and leaves everything as it was. Not between a resolve and a fetch.
  void consolidate_packs(std::size_t limit);

 private:
  void open();
  void set_origin();
  void set_aside(const std::string& why);
  void initialise();

  std::filesystem::path root_;
  std::filesystem::path git_directory_;
  std::string url_;
  git::RepositoryHandle handle_;
  Log* log_;
};

}  // namespace tidemark::sync
