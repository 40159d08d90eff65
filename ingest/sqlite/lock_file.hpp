// The lease of the embedded engine: an exclusive flock(2) on FILE.lock, which the kernel ends with the process.
#pragma once

#include <filesystem>
#include <string>

namespace tidemark::ingest::sqlite {

// One thread at a time.
class LockFile {
 public:
  explicit LockFile(std::filesystem::path file);  // throws ConfigError when it can be neither made nor opened
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  bool acquire();  // without waiting; true also when it is held already
  bool held() const { return held_; }
  std::string holder() const;  // what the holder wrote about itself; "" if nothing

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  bool held_ = false;
};

}  // namespace tidemark::ingest::sqlite
