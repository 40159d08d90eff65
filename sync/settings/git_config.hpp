// --git-config and --git-config-add: git's own settings, of which there is no git to read them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemark::sync {

struct GitConfigEntry {
  std::string key;
  std::string value;
};

// git-sync's notation: `key:value` pairs with commas between; either side may stand in double quotes, and \n, \t, \", \, and \\ are escapes in values
// and in quotes. Throws std::invalid_argument in words.
std::vector<GitConfigEntry> parse_git_config(std::string_view text);

// What is to be said of an entry.
struct GitConfigVerdict {
  bool refused = false;
  std::string reason;  // and what to do instead
};

// Refused is what would change what is fetched or published if git were there; what only concerns git's own work (gc.*, pack.*, safe.directory...)
// needs nothing.
GitConfigVerdict judge_git_config(const GitConfigEntry& entry);

}  // namespace tidemark::sync
