// git-sync's deprecated flags and variables, and its shorthands, rewritten as today's before they are read. Pure.
#pragma once

#include <string>
#include <vector>

#include "daemon/settings.hpp"

namespace tidemark::sync {

struct Spelling {
  std::vector<std::string> arguments;  // the command line, the program's name included
  Environment environment;
  std::vector<std::string> notes = {};     // what was old or is not needed, a line each, without values
  std::vector<std::string> problems = {};  // combinations that git-sync refuses too
};

// `--branch`, `--rev`, `--dest`, `--wait`... become `--ref`, `--link`, `--period`... at the end of the command line: they win over the new spellings,
// and so do the variables that stood for them (GIT_SYNC_WAIT), as with git-sync. Every other GIT_SYNC_*, GIT_SSH_* and so on becomes its GITSYNC_*,
// and wins over one that is set too, but not over the flag. Lists of keys separated by ':' become comma-separated. `-v 5`, `-v5` and `--v 5` become
// `--verbose`, `-?` becomes `--help`.
Spelling with_new_spellings(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace tidemark::sync
