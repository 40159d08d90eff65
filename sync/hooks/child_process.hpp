// Runs a user's program, the only processes that are ever started here. No shell, no arguments, nothing inherited but the environment that is given.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "daemon/settings.hpp"
#include "daemon/units.hpp"

namespace tidemark::sync {

struct Program {
  std::string path;  // without a slash it is looked for in PATH, otherwise relative to `directory`
  std::filesystem::path directory;
  Environment environment;
  Duration timeout;
};

class ChildProcesses {
 public:
  // Until the program has ended with 0; throws TransientError for everything else, in words. At the timeout and at `stop` its whole process group is
  // killed. What it writes is given to `on_line`, of which so many lines and bytes are taken as a log can bear; what it leaves running in the
  // background is not waited for. Any thread.
  void run(const Program& program, const std::function<void(std::string_view line)>& on_line, std::stop_token stop);

  // As pid 1 we inherit what programs leave behind: takes note of the ends of those. Any thread, never waits.
  void reap_orphans();

 private:
  std::mutex mutex_;
  int running_ = 0;  // programs of ours whose end nobody else may take note of
};

}  // namespace tidemark::sync
