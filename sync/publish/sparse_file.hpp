// --sparse-checkout-file: read again when it has changed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/file_stamp.hpp"
#include "sync/publish/sparse_patterns.hpp"

namespace tidemark::sync {

class SparseFile {
 public:
  explicit SparseFile(std::string path) : path_(std::move(path)) {}

  // Null without a path. Throws TransientError when the file can't be read or is larger than SparsePatterns::max_bytes.
  std::shared_ptr<const SparsePatterns> read();

 private:
  std::string path_;
  std::optional<FileStamp> stamp_;
  std::shared_ptr<const SparsePatterns> patterns_;
};

}  // namespace tidemark::sync
