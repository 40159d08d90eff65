// A user's program that is run for a revision. git-sync's contract: a path without arguments, the tree as its working directory, GITSYNC_HASH in its
// environment, and 0 is success.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "daemon/log.hpp"
#include "daemon/settings.hpp"
#include "sync/hooks/child_process.hpp"
#include "sync/hooks/notice.hpp"

namespace tidemark::sync {

class ExecHook {
 public:
  struct Settings {
    std::string name;  // for the log
    std::string command;
    Duration timeout;
    std::function<std::filesystem::path(const std::string& commit)> tree;
  };
  ExecHook(Settings settings, ChildProcesses& children, Log& log);

  // Throws TransientError. What the program writes goes to the log.
  void run(const Notice& notice, std::stop_token stop) const;

 private:
  const Settings settings_;
  const Environment environment_;  // of this process when it was made: libraries may change it later
  ChildProcesses& children_;
  Log& log_;
};

// Ours without its secrets, and GITSYNC_HASH, TIDEMARK_REF and TIDEMARK_PREVIOUS (if there is one). Pure.
Environment hook_environment(const Environment& environment, const Notice& notice);

}  // namespace tidemark::sync
