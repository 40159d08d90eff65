// Copies the write-ahead log back into the file, on a thread of its own: no run waits for it, and no reader.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <thread>

#include "daemon/log.hpp"

namespace tidemark::ingest::sqlite {

// The file exists, and nobody moves it, for as long as this lives. What it cannot do now it tries again after a later commit; failures are logged.
class LogKeeper {
 public:
  LogKeeper(std::filesystem::path file, Log& log);

  void committed();  // after each commit; any thread

 private:
  void loop(const std::stop_token& stop);
  void copy_back();
  std::uintmax_t log_bytes() const;

  std::filesystem::path file_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable_any wanted_;
  bool is_wanted_ = false;
  std::jthread thread_;
};

}  // namespace tidemark::ingest::sqlite
