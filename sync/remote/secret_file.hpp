// A secret in a file, read again when the file has changed.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "daemon/file_stamp.hpp"
#include "daemon/settings.hpp"

namespace tidemark::sync {

class SecretFile {
 public:
  explicit SecretFile(std::string path) : path_(std::move(path)) {}

  // Throws TransientError as read_secret_file does.
  const std::string& read() {
    const auto now = FileStamp::of(path_);
    if (now && now == stamp_) return secret_;
    stamp_.reset();
    secret_ = read_secret_file(path_);
    stamp_ = now;
    return secret_;
  }
  // The next read() reads it whatever its stamp says.
  void forget() { stamp_.reset(); }

 private:
  std::string path_;
  std::optional<FileStamp> stamp_;
  std::string secret_;
};

}  // namespace tidemark::sync
