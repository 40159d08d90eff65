#include "sync/old_trees.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "sync/files.hpp"
#include "sync/tree_record.hpp"
#include "sync/v3_layout.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t discarded_trees = 4;

std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) paths.push_back(entry->path());
  return paths;
}

}  // namespace

OldTrees::OldTrees(fs::path root, const PublishedLink& link, Log& log) : root_(std::move(root)), link_(link), janitor_(log) {
  for (auto& path : entries_of(root_ / trees_name))
    if (path.filename().string().starts_with(discarded_prefix)) janitor_.remove(std::move(path));
}

void OldTrees::clean(std::vector<std::string> held, std::stop_token stop) {
  const auto live = link_.commit();
  if (!live && !link_.is_absent()) return;  // the link is not ours or cannot be read: what is live is not known
  std::vector<std::string> kept = std::move(held);
  if (live) kept.push_back(live->hex());
  find_git_directories();
  discard_all_but(kept, root_ / trees_name, [](const std::string& name) { return !name.starts_with(discarded_prefix); });
  for (const auto& git_directory : git_directories_) discard_all_but(kept, root_ / git_directory / "worktrees", is_commit_name);
  discard_all_but(kept, root_ / ".git/worktrees", is_commit_name);
  if (live && link_.leads_to(root_ / trees_name / live->hex())) {
    discard_all_but({}, root_, [&](const std::string& name) { return is_v3_tree(root_, name); });
    discard_all_but({}, root_ / ".git/worktrees", is_v3_admin_name);
  }
  discard_all_but({}, link_.folder(), [&](const std::string& name) { return link_.is_left_over(name); });
  janitor_.wait(discarded_trees, std::move(stop));
}

void OldTrees::wait(std::stop_token stop) { janitor_.wait(0, std::move(stop)); }

// The superproject's part of a tree lists the others, and is the first to come and the last to go.
void OldTrees::find_git_directories() {
  for (const auto& path : entries_of(root_ / ".git/worktrees")) {
    const std::string name = path.filename().string();
    if (!is_commit_name(name)) continue;
    const auto others = TreeRecord(root_, name).others();
    if (!others) continue;
    for (const auto& part : *others) remember(part.git_directory);
  }
}

// A name is gone at once, by a rename; the files below it later.
void OldTrees::discard_all_but(const std::vector<std::string>& kept, const fs::path& directory,
                               const std::function<bool(const std::string& name)>& is_ours) {
  for (const auto& path : entries_of(directory)) {
    const std::string name = path.filename().string();
    if (std::find(kept.begin(), kept.end(), name) != kept.end() || !is_ours(name)) continue;
    std::error_code error;
    const fs::path aside = root_ / trees_name / (discarded_prefix + random_name());
    fs::rename(path, aside, error);
    if (error)
      janitor_.remove(path);  // another file system, or no rights: the janitor says which
    else
      janitor_.remove(aside);
  }
}

}  // namespace tidemark::sync
