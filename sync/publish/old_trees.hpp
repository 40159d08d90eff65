// What lies in the root and is not live (old trees, what a killed process left): moved out of the way by a rename, and removed in the background.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "sync/publish/janitor.hpp"
#include "sync/publish/published_link.hpp"

namespace tidemark::sync {

// How long trees stay that were live: whichever limit is reached first.
struct Retention {
  std::optional<std::chrono::milliseconds> time = std::chrono::milliseconds(0);  // nothing = whatever their age
  std::optional<std::size_t> number;                                             // nothing = whatever their number

  bool keeps_some() const { return (!time || time->count() > 0) && number != std::size_t(0); }
};

enum class Space { enough, is_short };

class OldTrees {
 public:
  // Goes on with what an earlier process has moved out of the way. `link` lives longer.
  OldTrees(std::filesystem::path root, const PublishedLink& link, Retention retention, Log& log);

  // The live tree is about to be replaced: what its age counts from, also for later processes (the time of its folder's last modification).
  void retire(const std::string& commit) const;
  // The time of a tree that the last clean() has left has come. Looks at the clock alone.
  bool keeps_some() const { return has_retained_; }  // the last clean() has left some
  bool has_expired() const { return next_expiry_ && Clock::now() >= *next_expiry_; }

  // A repository, relative to the root, that trees may have parts of.
  void remember(const std::filesystem::path& git_directory) { git_directories_.insert(git_directory); }
  // All but the live tree, `held` ones and, while there is enough space, old ones that may stay goes. Waits while more than a few trees are left to
  // remove: publishing in a hurry must not fill the disk. Logs what can't be removed.
  void clean(std::vector<std::string> held, Space space, std::stop_token stop);
  // Until everything is removed.
  void wait(std::stop_token stop);

 private:
  using Clock = std::chrono::system_clock;

  std::vector<std::string> retained(const std::vector<std::string>& kept);
  void find_git_directories();
  void discard_all_but(const std::vector<std::string>& kept, const std::filesystem::path& directory,
                       const std::function<bool(const std::string& name)>& is_ours);

  std::filesystem::path root_;
  const PublishedLink& link_;
  const Retention retention_;
  bool has_retained_ = false;
  std::optional<Clock::time_point> next_expiry_;
  std::set<std::filesystem::path> git_directories_;
  Janitor janitor_;
};

}  // namespace tidemark::sync
