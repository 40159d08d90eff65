// Removes folders in the background: a large tree takes longer to remove than to publish, and neither the webhook nor the next push should wait for
// it.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <thread>

#include "daemon/log.hpp"

namespace tidemark::sync {

class Janitor {
 public:
  explicit Janitor(Log& log);
  ~Janitor();  // what is not removed by then stays

  // A file or folder that nobody else needs or renames. What can't be removed is logged. Any thread, never waits.
  void remove(std::filesystem::path path);
  // Until at most `left` of them are not removed yet, or `stop`.
  void wait(std::size_t left, std::stop_token stop);

 private:
  void run(std::stop_token stop);

  Log& log_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::filesystem::path> paths_;  // the first is at work
  std::jthread thread_;
};

}  // namespace tidemark::sync
