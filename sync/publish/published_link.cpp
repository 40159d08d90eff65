#include "sync/publish/published_link.hpp"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "daemon/error.hpp"
#include "sync/publish/files.hpp"
#include "sync/publish/tree_record.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t random_name_length = 16;

bool is_at_or_below(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

void create_directories(const fs::path& path, const std::string& what) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_with(error.value(), "cannot make " + what + " " + path.string());
}

fs::path real_path(const fs::path& path, const std::string& what) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) fail_with(error.value(), "cannot find " + what + " " + path.string());
  return real;
}

PublishedLink::PublishedLink(fs::path root, const fs::path& link) : root_(std::move(root)) {
  const fs::path wanted = (root_ / link).lexically_normal();
  if (!wanted.has_filename()) throw ConfigError("--link " + link.string() + ": is a folder; give the name of the link to make");
  create_directories(wanted.parent_path(), "the folder of the link");
  path_ = real_path(wanted.parent_path(), "the folder of the link") / wanted.filename();
  if (is_at_or_below(root_, path_) || is_at_or_below(path_, root_ / ".git") || is_at_or_below(path_, root_ / trees_name))
    throw ConfigError("--link " + link.string() + ": lies where the root keeps its own files; choose another name");
  const auto status = fs::symlink_status(path_);
  if (fs::exists(status) && !fs::is_symlink(status))
    throw ConfigError("--link " + link.string() + ": " + path_.string() + " exists and is no symbolic link; remove it or choose another name");
}

std::optional<git::Oid> PublishedLink::commit() const {
  std::error_code error;
  const std::string name = fs::read_symlink(path_, error).filename().string();
  if (error || !is_commit_name(name)) return std::nullopt;
  return git::Oid::parse(name);
}

bool PublishedLink::leads_to(const fs::path& folder) const {
  struct stat through_link{}, direct{};
  if (::stat(path_.c_str(), &through_link) != 0 || ::stat(folder.c_str(), &direct) != 0) return false;
  return through_link.st_dev == direct.st_dev && through_link.st_ino == direct.st_ino;
}

bool PublishedLink::is_absent() const {
  std::error_code error;
  return fs::symlink_status(path_, error).type() == fs::file_type::not_found;
}

void PublishedLink::replace(const fs::path& folder) const {
  const fs::path target = is_at_or_below(path_, root_) ? folder.lexically_relative(path_.parent_path()) : folder;
  std::error_code error;
  if (fs::read_symlink(path_, error) == target) return;
  create_directories(path_.parent_path(), "the folder of the link");
  const fs::path made = path_.parent_path() / (temporary_prefix() + random_name());
  if (::symlink(target.c_str(), made.c_str()) != 0) fail_with(errno, "cannot make the link " + made.string());
  if (::rename(made.c_str(), path_.c_str()) == 0) return;
  const int failed = errno;
  ::unlink(made.c_str());
  fail_with(failed, "cannot replace the link " + path_.string());
}

bool PublishedLink::is_left_over(const std::string& name) const {
  const std::string prefix = temporary_prefix();
  return name.starts_with(prefix) && name.size() == prefix.size() + random_name_length;
}

std::string PublishedLink::temporary_prefix() const { return fmt::format(".{}{}", path_.filename().string(), draft_prefix); }

}  // namespace tidemark::sync
