// git-sync's deprecated flags and variables, rewritten as today's before they are read. Pure.
#pragma once

#include <string>
#include <vector>

#include "daemon/settings.hpp"

namespace tidemark::sync {

// `--branch`, `--rev`, `--dest`, `--wait`, `--timeout`, `--max-sync-failures` become `--ref`, `--link`, `--period`, `--sync-timeout`, `--max-failures`, at the end of the command
// line: they win over the new spellings, as with git-sync. Throws ConfigError for --branch together with --rev.
std::vector<std::string> with_new_flags(const std::vector<std::string>& arguments);

// GIT_SYNC_* and GIT_SSH_*, GIT_KNOWN_HOSTS become GITSYNC_*; the old one wins. Lists separated by ':' become comma-separated, Go's spellings of booleans true and false.
Environment with_new_variables(const Environment& environment);

}  // namespace tidemark::sync
