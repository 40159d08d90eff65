// Tells one state of a file from another without reading it.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

namespace tidemark {

struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec written = {};
  timespec changed = {};

  bool operator==(const FileStamp& other) const {
    return device == other.device && inode == other.inode && size == other.size && written.tv_sec == other.written.tv_sec &&
           written.tv_nsec == other.written.tv_nsec && changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
  }

  // Nothing, and errno, when there is no such file. Symbolic links are followed, as Kubernetes replaces the files of a Secret by them.
  static std::optional<FileStamp> of(const std::string& path) {
    struct stat status = {};
    if (stat(path.c_str(), &status) != 0) return std::nullopt;
    return FileStamp{status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
  }
};

}  // namespace tidemark
