// What lies in the root and is not live (old trees, what a killed process left): moved out of the way by a rename, and removed in the background.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "sync/janitor.hpp"
#include "sync/published_link.hpp"

namespace tidemark::sync {

class OldTrees {
 public:
  // Goes on with what an earlier process has moved out of the way. `link` lives longer.
  OldTrees(std::filesystem::path root, const PublishedLink& link, Log& log);

  // A repository, relative to the root, that trees may have parts of.
  void remember(const std::filesystem::path& git_directory) { git_directories_.insert(git_directory); }
  // All but the live tree and `held` ones goes. Waits while more than a few trees are left to remove: publishing in a hurry must not fill the disk.
  // Logs what can't be removed.
  void clean(std::vector<std::string> held, std::stop_token stop);
  // Until everything is removed.
  void wait(std::stop_token stop);

 private:
  void find_git_directories();
  void discard_all_but(const std::vector<std::string>& kept, const std::filesystem::path& directory,
                       const std::function<bool(const std::string& name)>& is_ours);

  std::filesystem::path root_;
  const PublishedLink& link_;
  std::set<std::filesystem::path> git_directories_;
  Janitor janitor_;
};

}  // namespace tidemark::sync
