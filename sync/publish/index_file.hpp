// Git's index (gitformat-index(5), version 2; 3 where files are left out) as a stream: the record of what a published tree's files were when they
// were written. `git status` reads it to see that nothing changed, and the next publish to see which files can be shared.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "git/change.hpp"
#include "sync/publish/files.hpp"

namespace tidemark::sync {

// What stat(2) said about a file, cut to 32 bits each as the format has it.
struct FileStat {
  std::uint32_t ctime_seconds = 0, ctime_nanoseconds = 0, mtime_seconds = 0, mtime_nanoseconds = 0, device = 0, inode = 0, mode = 0, user = 0,
                group = 0, size = 0;

  static FileStat of(const struct stat& status, git::Mode mode);
  // The same inode, with the same size and time of its last modification. (A new name for a file changes its ctime.)
  bool is_same_file(const FileStat& other) const;
};

struct IndexEntry {
  std::string path;
  git::Oid oid;
  FileStat stat;
  bool is_merged = true;  // stage 0
};

class IndexReader {
 public:
  // Nothing when there is no such file, its checksum is wrong, or it has another version than 2 or 3.
  static std::optional<IndexReader> open(int directory, const std::string& name);

  // The next entry in byte order of the path, until the next call; null at the end.
  const IndexEntry* next();

 private:
  explicit IndexReader(FileDescriptor file);
  bool verify();
  std::string_view take(std::size_t bytes);  // shorter only at the end of the file
  bool fill(std::size_t bytes);

  FileDescriptor file_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::uint32_t left_ = 0;
  IndexEntry entry_;
};

class IndexWriter {
 public:
  IndexWriter(int directory, const std::string& name);
  // In byte order of the path. Left out (skip-worktree) is a file that is not to be there.
  enum class Presence { present, left_out };
  void add(std::string_view path, const git::Oid& oid, const FileStat& stat, Presence presence = Presence::present);
  void finish();

 private:
  void flush();

  FileDescriptor file_;
  std::string buffer_;
  std::uint32_t version_ = 2;
  std::uint32_t entries_ = 0;
  std::size_t written_ = 0;
};

}  // namespace tidemark::sync
