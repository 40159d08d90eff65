// One tidemark-sync for one root: two would remove each other's unfinished work.
#pragma once

#include <filesystem>

#include "daemon/error.hpp"
#include "daemon/log.hpp"

namespace tidemark::sync {

class RootInUse : public ConfigError {
 public:
  using ConfigError::ConfigError;
};

// An exclusive flock(2) on the folder itself, which the kernel ends with the process; nothing is written, and readers are not concerned.
class RootLock {
 public:
  // Makes the folder if need be. Throws RootInUse when another process holds it. Where the file system has no such locks it says so and goes on; what
  // is wrong with the folder otherwise is for those who work in it to say.
  RootLock(const std::filesystem::path& root, Log& log);
  ~RootLock();
  RootLock(const RootLock&) = delete;
  RootLock& operator=(const RootLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace tidemark::sync
