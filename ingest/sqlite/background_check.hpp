// SQLite's check of a large file on a thread of its own, so that a start does not wait for it.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "daemon/log.hpp"

namespace tidemark::ingest::sqlite {

class BackgroundCheck {
 public:
  // `damaged` is called at most once, on the check's thread, with what is wrong. The destructor ends a check that still runs.
  BackgroundCheck(std::filesystem::path file, Log& log, std::function<void(const std::string&)> damaged);

 private:
  void run(const std::stop_token& stop);

  std::filesystem::path file_;
  Log& log_;
  std::function<void(const std::string&)> damaged_;
  std::jthread thread_;
};

}  // namespace tidemark::ingest::sqlite
