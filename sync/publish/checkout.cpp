#include "sync/publish/checkout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "git/tree_walk.hpp"
#include "sync/publish/blob_writer.hpp"
#include "sync/publish/directory_cursor.hpp"
#include "sync/publish/path_rules.hpp"

namespace tidemark::sync {

namespace {

// So many files are written, and so many entries of the record held back, at once: what is in memory and how many folders are open is bounded by
// them.
constexpr std::size_t files_at_once = 256;
constexpr std::size_t rows_at_once = 1024;

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

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
      : rules_(rules), blobs_(store, rules.filters), folders_(std::move(into), DirectoryCursor::Missing::make), index_(index) {
    if (live) published_.emplace(std::move(*live), rules.mask);
    if (rules.sparse) sparse_.emplace(*rules.sparse);
    links_ = rules.sharing == Sharing::hard_links;
  }

  void add(std::string_view path, const git::Entry& entry, const std::stop_token& stop) {
    if (rows_.size() >= rows_at_once) write(stop);
    name_ = name_of(path);
    if (!is_safe_name(name_))
      throw StalledError("the revision has a file named '" + std::string(path) +
                         "', which git refuses to check out too; remove it from the repository");
    if (sparse_ && !sparse_->wants(path)) {
      record(path, entry.oid, FileStat{.mode = static_cast<std::uint32_t>(entry.mode)}, IndexWriter::Presence::left_out);
      return;
    }
    if (entry.mode == git::Mode::submodule) {
      folders_.at(path);
      record(path, entry.oid, FileStat{.mode = static_cast<std::uint32_t>(entry.mode)});
      return;
    }
    const int folder = folders_.at(folder_of(path));
    if (const auto stat = shared(folder, path, entry)) {
      record(path, entry.oid, *stat);
      counts_.linked++;
      return;
    }
    files_.push_back({.path = std::string(path), .name = name_, .folder = kept_folder(path, folder), .entry = entry});
    rows_.push_back({.path = std::string(path), .oid = entry.oid, .file = files_.size() - 1});
    if (files_.size() >= files_at_once) write(stop);
  }

  // What is still to be written. To be called at the end.
  void write(const std::stop_token& stop) {
    blobs_.write(files_, stop);
    counts_.written += static_cast<std::int64_t>(files_.size());
    for (const auto& row : rows_) {
      const BlobFile* file = row.file ? &files_[*row.file] : nullptr;
      index_.add(row.path, row.oid, file ? FileStat::of(file->status, file->entry.mode) : row.stat, row.presence);
    }
    rows_.clear();
    files_.clear();
    folder_.reset();
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

  // The record is in the order of the paths, so it waits for what is still to be written.
  void record(std::string_view path, const git::Oid& oid, const FileStat& stat, IndexWriter::Presence presence = IndexWriter::Presence::present) {
    if (rows_.empty())
      index_.add(path, oid, stat, presence);
    else
      rows_.push_back({.path = std::string(path), .oid = oid, .stat = stat, .presence = presence, .file = std::nullopt});
  }

  // The cursor lets go of a folder when it goes on.
  const std::shared_ptr<FileDescriptor>& kept_folder(std::string_view path, int folder) {
    const auto of = folder_of(path);
    if (folder_ && folder_path_ == of) return folder_;
    FileDescriptor copy(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (!copy) fail_with(errno, "cannot keep the folder of '" + std::string(path) + "' open");
    folder_ = std::make_shared<FileDescriptor>(std::move(copy));
    folder_path_ = of;
    return folder_;
  }

  struct Row {
    std::string path;
    git::Oid oid;
    FileStat stat = {};
    IndexWriter::Presence presence = IndexWriter::Presence::present;
    std::optional<std::size_t> file;  // in files_: its stat is known later
  };

  const CheckoutRules& rules_;
  BlobWriter blobs_;
  DirectoryCursor folders_;
  IndexWriter& index_;
  std::optional<PublishedFiles> published_;
  std::optional<SparseWalk> sparse_;
  bool links_ = true;
  bool clones_ = true;
  std::string name_;
  std::vector<BlobFile> files_;             // to be written
  std::vector<Row> rows_;                   // from the first of files_ on
  std::shared_ptr<FileDescriptor> folder_;  // of the last of files_
  std::string folder_path_;
  CheckoutCounts counts_;
};

}  // namespace

CheckoutCounts write_checkout(const git::ObjectStore& store, const git::Revision& revision, const CheckoutRules& rules, FileDescriptor into,
                              IndexWriter& index, std::optional<PublishedTree> live, std::stop_token stop) {
  Writer writer(store, rules, std::move(into), index, std::move(live));
  git::walk_tree(store, revision.tree, {}, [&](std::string_view path, const git::Entry& entry) {
    throw_when(stop);
    writer.add(path, entry, stop);
    return true;
  });
  writer.write(stop);
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
