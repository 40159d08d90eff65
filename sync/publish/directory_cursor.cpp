#include "sync/publish/directory_cursor.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "daemon/error.hpp"
#include "sync/publish/path_rules.hpp"

namespace tidemark::sync {

namespace {

// A deep tree must not use up the process' descriptors: of the levels above, only so many stay open.
constexpr std::size_t open_levels = 64;

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.substr(0, folder.size()) == folder && (folder.empty() || path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

DirectoryCursor::DirectoryCursor(FileDescriptor root, Missing missing) : missing_(missing) { levels_.push_back({0, std::move(root)}); }

int DirectoryCursor::at(std::string_view path) {
  if (path != path_) {
    if (!absent_.empty() && is_at_or_below(path, absent_)) return -1;
    leave_to(path);
    while (path_.size() < path.size()) {
      const std::size_t begin = path_.empty() ? 0 : path_.size() + 1;
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const std::string name(path.substr(begin, end - begin));
      if (!is_safe_name(name))
        throw StalledError("the revision has a folder named '" + std::string(path.substr(0, end)) +
                           "', which git refuses to check out too; remove it from the repository");
      const int parent = reopened();
      if (missing_ == Missing::make && ::mkdirat(parent, name.c_str(), 0777) != 0)
        fail_with(errno, "cannot make the folder '" + std::string(path.substr(0, end)) + "' of the published tree");
      FileDescriptor directory = find_directory(parent, name);
      if (!directory) {
        if (missing_ == Missing::make) fail_with(errno, "cannot open the folder '" + std::string(path.substr(0, end)) + "' of the published tree");
        absent_ = path.substr(0, end);
        return -1;
      }
      path_ = path.substr(0, end);
      levels_.push_back({end, std::move(directory)});
      if (levels_.size() > open_levels + 1) levels_[levels_.size() - open_levels - 1].directory = FileDescriptor();
    }
  }
  return reopened();
}

void DirectoryCursor::leave_to(std::string_view path) {
  while (!is_at_or_below(path, path_)) {
    levels_.pop_back();
    path_.resize(levels_.back().path_end);
  }
}

// The last level's descriptor; when it was closed, opened again from the root down.
int DirectoryCursor::reopened() {
  if (levels_.back().directory) return levels_.back().directory.get();
  FileDescriptor directory;
  for (std::size_t i = 1; i < levels_.size(); i++) {
    const std::size_t begin = levels_[i - 1].path_end == 0 ? 0 : levels_[i - 1].path_end + 1;
    directory = open_directory(i == 1 ? levels_[0].directory.get() : directory.get(), path_.substr(begin, levels_[i].path_end - begin));
  }
  levels_.back().directory = std::move(directory);
  return levels_.back().directory.get();
}

}  // namespace tidemark::sync
