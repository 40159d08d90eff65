// Blobs become files and symbolic links; many of them on several threads.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "git/change.hpp"
#include "git/object_store.hpp"
#include "sync/publish/files.hpp"
#include "sync/publish/filters.hpp"

namespace tidemark::sync {

// A file or symbolic link that is to be made, and after write() what fstat says about it.
struct BlobFile {
  std::string path;                        // in its repository: for the attributes, and for errors
  std::string name;                        // in the folder
  std::shared_ptr<FileDescriptor> folder;  // files of one folder share it
  git::Entry entry;
  struct stat status = {};
};

// 0777 or 0666, before the umask.
mode_t permissions(git::Mode mode);

// Used by one thread at a time. Each thread of its own has an object store of its own; they are opened when the first write() needs them.
class BlobWriter {
 public:
  BlobWriter(const git::ObjectStore& store, const Filters& filters);

  // Makes all of them. From a few dozen on with a thread for each processor, four at most; where attributes alter content, with one. Of large blobs
  // one at a time is in memory. The first failure ends it, when no thread is at work any more: TransientError (disk, rights, `stop`), git::Error.
  void write(std::vector<BlobFile>& files, const std::stop_token& stop);

 private:
  void write_one(const git::ObjectStore& store, BlobFile& file) const;
  std::size_t threads_for(std::size_t files) const;

  const git::ObjectStore& store_;
  const Filters& filters_;
  std::vector<std::unique_ptr<git::ObjectStore>> stores_;  // of the threads but the caller's
  std::mutex large_;
};

}  // namespace tidemark::sync
