// .gitmodules (gitmodules(5)): where a tree's submodules come from. Anybody who can push writes it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace tidemark::sync {

struct SubmoduleEntry {
  std::string name;
  std::string path;
  std::string url;          // as it stands there: perhaps relative, "" when there is none
  std::string update;       // "" when there is none
  bool is_shallow = false;  // one commit is enough
};

class Gitmodules {
 public:
  static constexpr std::size_t max_bytes = 2 * 1024 * 1024;

  // As git reads it: of several values of a key, and of several entries for a path, the last counts; files that it includes are not looked at (nor
  // may there be any). libgit2 wants it as a file, which is written to `scratch` and removed. Throws StalledError for what git can't read either, and
  // for more than max_bytes.
  static Gitmodules parse(std::string_view text, const std::filesystem::path& scratch);

  const SubmoduleEntry* find(const std::string& path) const;
  bool empty() const { return by_path_.empty(); }

 private:
  std::map<std::string, SubmoduleEntry> by_path_;
};

// What git refuses, too (verify_path, submodule names and URLs that begin with '-' or leave their folder), in words; "" when it is fine.
std::string problem_of(const SubmoduleEntry& entry);

// The URL of a submodule: relative ones ("./x", "../x") against that of the repository that has it, as `git submodule init` does. Throws StalledError
// when it leads above the remote's root.
std::string resolved_url(const std::string& parent, const std::string& url);

}  // namespace tidemark::sync
