#include "sync/publisher.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "sync/filters.hpp"

namespace tidemark::sync {

namespace {

namespace fs = std::filesystem;

constexpr const char* trees_name = ".worktrees";
constexpr const char* draft_prefix = ".new-";
constexpr const char* discarded_prefix = ".old-";
constexpr std::size_t discarded_trees = 4;
constexpr const char* record_name = "tidemark";
constexpr std::size_t small_file_bytes = 4096;

std::string git_file(const std::string& commit) { return "gitdir: ../../.git/worktrees/" + commit + "\n"; }

bool is_commit_name(const std::string& name) {
  const auto oid = git::Oid::parse(name);
  return oid && oid->hex() == name;
}

FileDescriptor open_root(const fs::path& root) {
  FileDescriptor directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) fail_with(errno, "cannot open the root " + root.string());
  return directory;
}

void create_directories(const fs::path& path, const std::string& what) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_with(error.value(), "cannot make " + what + " " + path.string());
}

fs::path real_path(const fs::path& path, const std::string& what) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) fail_with(error.value(), "cannot find " + what + " " + path.string());
  return real;
}

bool is_at_or_below(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) paths.push_back(entry->path());
  return paths;
}

// A new link is made under such a name and 16 digits.
std::string temporary_link_prefix(const fs::path& link) { return fmt::format(".{}{}", link.filename().string(), draft_prefix); }

// The folder that a tree is made in. Removed with what is in it, unless it was released to clean().
class Draft {
 public:
  Draft(int trees, Log& log) : trees_(trees), log_(log), name_(draft_prefix + random_name()), directory_(make_directory(trees, name_)) {}
  ~Draft() {
    if (released_) return;
    try {
      remove_tree(trees_, name_);
    } catch (const std::exception& error) {
      log_.warning("could not remove an unfinished tree", {{"name", name_}, {"error", error.what()}});
    }
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  int directory() const { return directory_.get(); }
  void release() {
    released_ = true;
    ::unlinkat(trees_, name_.c_str(), AT_REMOVEDIR);  // fails when a replaced tree lies in it
  }

 private:
  int trees_;
  Log& log_;
  std::string name_;
  FileDescriptor directory_;
  bool released_ = false;
};

// Gives what is made in the draft its name. What had the name until then lies in the draft afterwards: readers of that name see one or the other, where the file system
// can exchange two names.
void place(int draft, const std::string& made, int directory, const std::string& name) {
  if (::renameat2(draft, made.c_str(), directory, name.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno == EINVAL || errno == ENOSYS) {
    const std::string aside = made + "-replaced";
    if (::renameat(directory, name.c_str(), draft, aside.c_str()) != 0 && errno != ENOENT) fail_with(errno, "cannot move the old " + made + " of " + name + " away");
  } else if (errno != ENOENT) {
    fail_with(errno, "cannot replace the " + made + " of " + name);
  }
  if (::renameat(draft, made.c_str(), directory, name.c_str()) != 0) fail_with(errno, "cannot rename the new " + made + " to " + name);
}

}  // namespace

Publisher::Publisher(const fs::path& root, const fs::path& link, Checkout checkout, Log& log, Sharing sharing)
    : checkout_(checkout), sharing_(sharing), log_(log), janitor_(log) {
  create_directories(fs::absolute(root), "the root");
  root_ = real_path(fs::absolute(root), "the root");
  const fs::path wanted = (root_ / link).lexically_normal();
  if (!wanted.has_filename()) throw ConfigError("--link " + link.string() + ": is a folder; give the name of the link to make");
  create_directories(wanted.parent_path(), "the folder of the link");
  link_ = real_path(wanted.parent_path(), "the folder of the link") / wanted.filename();
  if (is_at_or_below(root_, link_) || is_at_or_below(link_, root_ / ".git") || is_at_or_below(link_, root_ / trees_name))
    throw ConfigError("--link " + link.string() + ": lies where the root keeps its own files; choose another name");
  const auto status = fs::symlink_status(link_);
  if (fs::exists(status) && !fs::is_symlink(status))
    throw ConfigError("--link " + link.string() + ": " + link_.string() + " exists and is no symbolic link; remove it or choose another name");
  for (auto& path : entries_of(root_ / trees_name))
    if (path.filename().string().starts_with(discarded_prefix)) janitor_.remove(std::move(path));
}

std::optional<git::Oid> Publisher::linked() const {
  std::error_code error;
  const std::string name = fs::read_symlink(link_, error).filename().string();
  if (error || !is_commit_name(name)) return std::nullopt;
  return git::Oid::parse(name);
}

std::optional<git::Oid> Publisher::published() const {
  const auto commit = linked();
  if (!commit) return std::nullopt;
  const std::string name = commit->hex();
  struct stat through_link{}, tree{};
  if (::stat(link_.c_str(), &through_link) != 0 || ::stat((root_ / trees_name / name).c_str(), &tree) != 0) return std::nullopt;
  if (through_link.st_dev != tree.st_dev || through_link.st_ino != tree.st_ino) return std::nullopt;
  return is_made(name) ? commit : std::nullopt;
}

// The tree is there as prepare() made it, as far as a few system calls can tell.
bool Publisher::is_made(const std::string& name) const {
  const auto is = [](const fs::path& path, const std::string& content) { return read_small_file(AT_FDCWD, path, small_file_bytes) == content; };
  const fs::path admin = root_ / ".git/worktrees" / name;
  if (!is(tree(name) / ".git", git_file(name)) || !is(admin / "HEAD", name + "\n")) return false;
  const auto recorded = read_small_file(AT_FDCWD, admin / record_name, small_file_bytes);
  return recorded && recorded->starts_with(record(""));
}

fs::path Publisher::tree(const std::string& commit) const { return root_ / trees_name / commit; }

// Which rules a tree was made by: only files of a tree that was made by the same ones are shared.
std::string Publisher::record(const std::string& filters) const { return fmt::format("checkout 1 {} {}", checkout_ == Checkout::full ? "full" : "none", filters); }

std::optional<PublishedTree> Publisher::live_tree(const std::string& record) const {
  const auto commit = linked();
  if (!commit) return std::nullopt;
  const fs::path admin = root_ / ".git/worktrees" / commit->hex();
  if (read_small_file(AT_FDCWD, admin / record_name, small_file_bytes) != record) return std::nullopt;
  auto index = IndexReader::open(AT_FDCWD, admin / "index");
  FileDescriptor tree = find_directory(AT_FDCWD, root_ / trees_name / commit->hex());
  if (!index || !tree) return std::nullopt;
  return PublishedTree{std::move(tree), std::move(*index)};
}

bool Publisher::is_intact(const git::ObjectStore& store, const git::Revision& revision, const std::string& record, std::stop_token stop) const {
  if (checkout_ == Checkout::none) return true;
  auto tree = live_tree(record);
  return tree && checkout_is_intact(store, revision, std::move(*tree), stop);
}

std::optional<CheckoutCounts> Publisher::publish(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop) {
  const auto counts = prepare(store, revision, std::move(stop));
  if (counts) replace_link(revision.commit.hex());
  return counts;
}

bool Publisher::flip(const git::Oid& commit) {
  if (!is_made(commit.hex())) return false;
  replace_link(commit.hex());
  return true;
}

std::optional<CheckoutCounts> Publisher::prepare(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop) {
  const std::string commit = revision.commit.hex();
  std::optional<Filters> filters;
  if (checkout_ == Checkout::full) filters.emplace(store, revision);
  const std::string wanted = record(filters ? filters->fingerprint() + "\n" : "\n");
  if (published() == revision.commit && is_intact(store, revision, wanted, stop)) return std::nullopt;

  const FileDescriptor root = open_root(root_);
  const FileDescriptor trees = make_directory(root.get(), trees_name);
  Draft draft(trees.get(), log_);
  const FileDescriptor tree = make_directory(draft.directory(), "tree");
  write_new_file(tree.get(), ".git", git_file(commit), 0644);
  const FileDescriptor admin = make_directory(draft.directory(), "admin");
  write_new_file(admin.get(), "HEAD", commit + "\n", 0644);
  write_new_file(admin.get(), "commondir", "../..\n", 0644);
  write_new_file(admin.get(), "gitdir", (root_ / trees_name / commit / ".git").string() + "\n", 0644);
  write_new_file(admin.get(), record_name, wanted, 0644);
  CheckoutCounts counts;
  if (filters) {
    IndexWriter index(admin.get(), "index");
    counts = write_checkout(store, revision, *filters, open_directory(tree.get(), "."), index, sharing_ == Sharing::hard_links ? live_tree(wanted) : std::nullopt, stop);
  }
  if (::syncfs(root.get()) != 0) fail_with(errno, "cannot bring the new tree to the disk");

  const FileDescriptor admins = make_directory(open_directory(root.get(), ".git").get(), "worktrees");
  place(draft.directory(), "admin", admins.get(), commit);
  place(draft.directory(), "tree", trees.get(), commit);
  draft.release();
  return counts;
}

void Publisher::replace_link(const std::string& commit) const {
  const fs::path target = is_at_or_below(link_, root_) ? tree(commit).lexically_relative(link_.parent_path()) : tree(commit);
  std::error_code error;
  if (fs::read_symlink(link_, error) == target) return;
  create_directories(link_.parent_path(), "the folder of the link");
  const fs::path made = link_.parent_path() / (temporary_link_prefix(link_) + random_name());
  if (::symlink(target.c_str(), made.c_str()) != 0) fail_with(errno, "cannot make the link " + made.string());
  if (::rename(made.c_str(), link_.c_str()) == 0) return;
  const int failed = errno;
  ::unlink(made.c_str());
  fail_with(failed, "cannot replace the link " + link_.string());
}

void Publisher::clean(std::stop_token stop) {
  const auto live = linked();
  std::error_code error;
  if (!live && fs::symlink_status(link_, error).type() != fs::file_type::not_found) return;  // the link is not ours or cannot be read: what is live is not known
  std::vector<std::string> kept = held_;
  if (live) kept.push_back(live->hex());
  discard_all_but(kept, root_ / trees_name, [](const std::string& name) { return !name.starts_with(discarded_prefix); });
  discard_all_but(kept, root_ / ".git/worktrees", is_commit_name);
  const std::string temporary = temporary_link_prefix(link_);
  discard_all_but({}, link_.parent_path(), [&](const std::string& name) { return name.starts_with(temporary) && name.size() == temporary.size() + 16; });
  janitor_.wait(discarded_trees, std::move(stop));
}

void Publisher::clean_and_wait(std::stop_token stop) {
  clean(stop);
  janitor_.wait(0, std::move(stop));
}

// A name is gone at once, by a rename; the files below it later.
void Publisher::discard_all_but(const std::vector<std::string>& kept, const fs::path& directory, const std::function<bool(const std::string& name)>& is_ours) {
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
