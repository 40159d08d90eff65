// What belongs to a published tree besides its files: `.git` in its folder, and in GIT_DIRECTORY/worktrees/<commit> what git needs to work there
// (gitrepository-layout(5)) and two files of our own:
//   tidemark        by which rules the files were made: "checkout 1 full <fingerprint of the attributes>"; with submodules a second line, "parts"
//   tidemark-parts  the submodules: path, commit and git directory (relative to the root), each ended by NUL
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "git/oid.hpp"
#include "sync/publish/files.hpp"

namespace tidemark::sync {

inline constexpr const char* trees_name = ".worktrees";
inline constexpr const char* draft_prefix = ".new-";
inline constexpr const char* discarded_prefix = ".old-";

bool is_commit_name(const std::string& name);

// Where the parts of a published tree lie.
struct PartPlace {
  std::string path;  // "" for the superproject
  git::Oid commit;
  std::filesystem::path git_directory;  // relative to the root

  bool operator==(const PartPlace&) const = default;
};

class TreeRecord {
 public:
  // `root` is absolute, without symbolic links; `name` is the superproject's commit, under which the tree is published.
  TreeRecord(const std::filesystem::path& root, const std::string& name) : root_(root), name_(name) {}

  std::filesystem::path tree() const { return root_ / trees_name / name_; }
  std::filesystem::path admin(const PartPlace& part) const { return root_ / part.git_directory / "worktrees" / name_; }

  // The `.git` file in a part's folder.
  std::string git_file(const PartPlace& part) const;
  // Whether a part's `.git` file and HEAD are as they were made.
  bool leads_to(const PartPlace& part) const;
  // HEAD, commondir and gitdir, and the rules, in a new folder.
  void write_admin(int directory, const PartPlace& part, const std::string& rules) const;

  // The record of what the superproject's files were made by, with its lines, or nothing.
  std::optional<std::string> rules(const PartPlace& part) const;
  // The other parts. Nothing when they can't be told: the file is damaged or not ours.
  std::optional<std::vector<PartPlace>> others() const;
  static void write_others(int directory, const std::vector<PartPlace>& others);

 private:
  std::filesystem::path root_;
  std::string name_;
};

inline constexpr std::string_view has_parts = "parts\n";

}  // namespace tidemark::sync
