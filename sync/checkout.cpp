#include "sync/checkout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/error.hpp"
#include "git/tree_walk.hpp"
#include "sync/directory_cursor.hpp"
#include "sync/path_rules.hpp"

namespace tidemark::sync {

namespace {

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

mode_t permissions(git::Mode mode) { return mode == git::Mode::executable ? 0777 : 0666; }

bool is_written_as(const struct stat& status, git::Mode mode, mode_t mask) {
  if (mode == git::Mode::symlink) return S_ISLNK(status.st_mode);
  return S_ISREG(status.st_mode) && (status.st_mode & 07777) == (permissions(mode) & ~mask);
}

void throw_when(const std::stop_token& stop) {
  if (stop.stop_requested()) throw TransientError("the checkout was stopped before it was complete");
}

// The published tree beside a walk over the new one. Both are in byte order of the path, so the record is read once.
class PublishedFiles {
 public:
  PublishedFiles(PublishedTree live, mode_t mask)
      : folders_(std::move(live.directory), DirectoryCursor::Missing::report), index_(std::move(live.index)), mask_(mask) {
    recorded_ = index_.next();
  }
  PublishedFiles(const PublishedFiles&) = delete;
  PublishedFiles& operator=(const PublishedFiles&) = delete;

  // The file's folder when the file is still what the record says, and that is `entry`; -1 otherwise.
  int folder_if_same(std::string_view path, const std::string& name, const git::Entry& entry) {
    while (recorded_ != nullptr && recorded_->path < path) recorded_ = index_.next();
    if (recorded_ == nullptr || recorded_->path != path || !recorded_->is_merged) return -1;
    if (recorded_->oid != entry.oid || recorded_->stat.mode != static_cast<std::uint32_t>(entry.mode)) return -1;
    const int folder = folders_.at(folder_of(path));
    struct stat status;
    if (folder < 0 || ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return -1;
    if (!is_written_as(status, entry.mode, mask_) || !recorded_->stat.is_same_file(FileStat::of(status, entry.mode))) return -1;
    return folder;
  }
  const FileStat& stat() const { return recorded_->stat; }  // after folder_if_same

  bool has_folder(std::string_view path) { return folders_.at(path) >= 0; }

 private:
  DirectoryCursor folders_;
  IndexReader index_;
  const mode_t mask_;
  const IndexEntry* recorded_;  // in index_
};

class Writer {
 public:
  Writer(const git::ObjectStore& store, const CheckoutRules& rules, FileDescriptor into, IndexWriter& index, std::optional<PublishedTree> live)
      : store_(store), rules_(rules), folders_(std::move(into), DirectoryCursor::Missing::make), index_(index) {
    if (live) published_.emplace(std::move(*live), rules.mask);
    if (rules.sparse) sparse_.emplace(*rules.sparse);
    links_ = rules.sharing == Sharing::hard_links;
  }

  void add(std::string_view path, const git::Entry& entry) {
    name_ = name_of(path);
    if (!is_safe_name(name_)) throw StalledError("the revision has a file named '" + std::string(path) + "', which git refuses to check out too; remove it from the repository");
    if (sparse_ && !sparse_->wants(path)) {
      index_.add(path, entry.oid, FileStat{.mode = static_cast<std::uint32_t>(entry.mode)}, IndexWriter::Presence::left_out);
      return;
    }
    if (entry.mode == git::Mode::submodule) {
      folders_.at(path);
      index_.add(path, entry.oid, FileStat{.mode = static_cast<std::uint32_t>(entry.mode)});
      return;
    }
    const int folder = folders_.at(folder_of(path));
    if (const auto stat = shared(folder, path, entry)) {
      index_.add(path, entry.oid, *stat);
      counts_.linked++;
      return;
    }
    index_.add(path, entry.oid, FileStat::of(written(folder, path, entry), entry.mode));
    counts_.written++;
  }

  const CheckoutCounts& counts() const { return counts_; }

 private:
  // Any refusal but that of a full disk (another file system, another owner, too many links) means: write it.
  std::optional<FileStat> shared(int folder, std::string_view path, const git::Entry& entry) {
    if (!published_ || (!links_ && !clones_)) return std::nullopt;
    const int from = published_->folder_if_same(path, name_, entry);
    if (from < 0) return std::nullopt;
    if (links_) {
      if (::linkat(from, name_.c_str(), folder, name_.c_str(), 0) == 0) return published_->stat();
      if (errno == ENOSPC || errno == EDQUOT || errno == EEXIST) fail_with(errno, "cannot write '" + std::string(path) + "'");
    }
    return cloned(from, folder, entry);
  }

  // What was found out about the first file holds for the others: most file systems can't clone.
  std::optional<FileStat> cloned(int from, int folder, const git::Entry& entry) {
    if (!clones_ || !entry.is_file()) return std::nullopt;
    const auto status = clone_file(from, folder, name_, permissions(entry.mode));
    clones_ = status.has_value();
    if (!status) return std::nullopt;
    return FileStat::of(*status, entry.mode);
  }

  struct stat written(int folder, std::string_view path, const git::Entry& entry) {
    struct stat status{};
    const auto write = [&](std::string_view content) {
      if (entry.mode == git::Mode::symlink)
        status = new_symlink(folder, content);
      else
        status = write_new_file(folder, name_, content, permissions(entry.mode));
    };
    if (rules_.filters.any() && entry.is_file())
      rules_.filters.read(entry.oid, std::string(path), write);
    else
      store_.read_blob(entry.oid, write);
    return status;
  }

  struct stat new_symlink(int folder, std::string_view target) const {
    const std::string text(target);
    struct stat status{};
    if (::symlinkat(text.c_str(), folder, name_.c_str()) != 0) fail_with(errno, "cannot make the symbolic link " + name_);
    if (::fstatat(folder, name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) fail_with(errno, "cannot look at " + name_);
    return status;
  }

  const git::ObjectStore& store_;
  const CheckoutRules& rules_;
  DirectoryCursor folders_;
  IndexWriter& index_;
  std::optional<PublishedFiles> published_;
  std::optional<SparseWalk> sparse_;
  bool links_ = true;
  bool clones_ = true;
  std::string name_;
  CheckoutCounts counts_;
};

}  // namespace

CheckoutCounts write_checkout(const git::ObjectStore& store, const git::Revision& revision, const CheckoutRules& rules, FileDescriptor into,
                              IndexWriter& index, std::optional<PublishedTree> live, std::stop_token stop) {
  Writer writer(store, rules, std::move(into), index, std::move(live));
  git::walk_tree(store, revision.tree, {}, [&](std::string_view path, const git::Entry& entry) {
    throw_when(stop);
    writer.add(path, entry);
    return true;
  });
  index.finish();
  return writer.counts();
}

std::optional<std::string> first_damage(const git::ObjectStore& store, const git::Revision& revision, const CheckoutRules& rules, PublishedTree live,
                                        std::stop_token stop) {
  PublishedFiles published(std::move(live), rules.mask);
  std::optional<SparseWalk> sparse;
  if (rules.sparse) sparse.emplace(*rules.sparse);
  std::optional<std::string> damaged;
  git::walk_tree(store, revision.tree, {}, [&](std::string_view path, const git::Entry& entry) {
    throw_when(stop);
    if (sparse && !sparse->wants(path)) return true;
    const bool is_intact =
        entry.mode == git::Mode::submodule ? published.has_folder(path) : published.folder_if_same(path, std::string(name_of(path)), entry) >= 0;
    if (!is_intact) damaged = path;
    return is_intact;
  });
  return damaged;
}

}  // namespace tidemark::sync
