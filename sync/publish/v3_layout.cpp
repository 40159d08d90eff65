#include "sync/publish/v3_layout.hpp"

#include <fcntl.h>

#include <string_view>
#include <system_error>

#include "sync/publish/files.hpp"
#include "sync/publish/tree_record.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view old_prefix = "rev-";

}  // namespace

bool is_v3_admin_name(const std::string& name) { return name.starts_with(old_prefix) && is_commit_name(name.substr(old_prefix.size())); }

bool is_v3_tree(const fs::path& root, const std::string& name) {
  if (!is_commit_name(name) && !is_v3_admin_name(name)) return false;
  std::error_code error;
  if (fs::symlink_status(root / name, error).type() != fs::file_type::directory) return false;
  constexpr std::size_t longest = 128;
  return read_small_file(AT_FDCWD, root / name / ".git", longest) == "gitdir: ../.git/worktrees/" + name + "\n";
}

}  // namespace tidemark::sync
