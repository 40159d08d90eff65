#include "sync/publish/old_trees.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "sync/publish/files.hpp"
#include "sync/publish/tree_record.hpp"
#include "sync/publish/v3_layout.hpp"

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

using TimePoint = std::chrono::system_clock::time_point;

std::optional<TimePoint> modified(const fs::path& folder) {
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  const auto since = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(since));
}

// That it fails only means that a tree goes earlier.
void set_modified(const fs::path& folder, TimePoint time) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const timespec times[] = {{0, UTIME_OMIT}, {static_cast<time_t>(seconds.count()), static_cast<long>((since - seconds).count())}};
  ::utimensat(AT_FDCWD, folder.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

OldTrees::OldTrees(fs::path root, const PublishedLink& link, Retention retention, Log& log)
    : root_(std::move(root)), link_(link), retention_(retention), janitor_(log) {
  for (auto& path : entries_of(root_ / trees_name))
    if (path.filename().string().starts_with(discarded_prefix)) janitor_.remove(std::move(path));
}

void OldTrees::retire(const std::string& commit) const {
  if (retention_.keeps_some()) set_modified(TreeRecord(root_, commit).tree(), Clock::now());
}

void OldTrees::clean(std::vector<std::string> held, Space space, std::stop_token stop) {
  const auto live = link_.commit();
  if (!live && !link_.is_absent()) return;  // the link is not ours or cannot be read: what is live is not known
  std::vector<std::string> kept = std::move(held);
  if (live) kept.push_back(live->hex());
  next_expiry_.reset();
  has_retained_ = false;
  if (space == Space::enough && retention_.keeps_some()) {
    const auto retained = this->retained(kept);
    kept.insert(kept.end(), retained.begin(), retained.end());
    has_retained_ = !retained.empty();
  }
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

// The old trees that may stay, and when the first of them may no more.
std::vector<std::string> OldTrees::retained(const std::vector<std::string>& kept) {
  std::vector<std::pair<Clock::time_point, std::string>> old;
  const auto now = Clock::now();
  for (const auto& path : entries_of(root_ / trees_name)) {
    const std::string name = path.filename().string();
    if (!is_commit_name(name) || std::find(kept.begin(), kept.end(), name) != kept.end()) continue;
    if (!TreeRecord(root_, name).leads_to({"", *git::Oid::parse(name), ".git"})) continue;  // not whole
    auto retired = modified(path);
    if (!retired) continue;
    if (*retired > now) set_modified(path, *(retired = now));  // the clock was set back
    if (!retention_.time || now - *retired < *retention_.time) old.emplace_back(*retired, name);
  }
  std::sort(old.begin(), old.end(), std::greater<>());
  if (retention_.number && old.size() > *retention_.number) old.resize(*retention_.number);
  if (retention_.time && !old.empty()) next_expiry_ = old.back().first + *retention_.time;
  std::vector<std::string> names;
  for (auto& [retired, name] : old) names.push_back(std::move(name));
  return names;
}

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
