// Files that tell others how it goes: --error-file and --touch-file. Paths are absolute or relative to the root; "" means none. What goes wrong with
// them is only logged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "daemon/log.hpp"

namespace tidemark::sync {

// The last error as JSON, in git-sync's form: {"Msg": what happened, "Err": why, "Args": {"failCount": in a row}}. Replaced in one step, removed by
// the next success.
class ErrorFile {
 public:
  ErrorFile(const std::filesystem::path& root, const std::string& path, Log& log);
  void write(const std::string& message, const std::string& error, std::int64_t failures);
  void remove();

 private:
  std::filesystem::path path_;
  Log& log_;
};

// Made, or its times set to now, whenever something new was published.
class TouchFile {
 public:
  TouchFile(const std::filesystem::path& root, const std::string& path, Log& log);
  void touch();

 private:
  std::filesystem::path path_;
  Log& log_;
};

}  // namespace tidemark::sync
