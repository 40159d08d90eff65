// Several secrets in a file, one a line, any of which is accepted: while one takes the place of another, both are there. Read again when the file has
// changed.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/file_stamp.hpp"

namespace tidemark::sync {

class SecretLines {
 public:
  explicit SecretLines(std::string path) : path_(std::move(path)) {}

  // Without empty lines; at least one, at most 16. Any thread. Throws TransientError naming the file, never what is in it.
  std::vector<std::string> read();

 private:
  const std::string path_;
  std::mutex mutex_;
  std::optional<FileStamp> stamp_;
  std::vector<std::string> lines_;
};

}  // namespace tidemark::sync
