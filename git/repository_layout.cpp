#include "git/repository_layout.hpp"

#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "git/libgit2.hpp"

namespace tidemark::git {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_path_file_bytes = 16 * 1024;

// The first line of a small file that holds a path, or nothing when there is no such file.
std::optional<std::string> first_line(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(max_path_file_bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  text.resize(std::min(text.find_first_of(std::string_view("\r\n\0", 3)), text.size()));
  return text;
}

fs::path follow_git_file(const fs::path& file) {
  constexpr std::string_view prefix = "gitdir: ";
  const auto line = first_line(file);
  if (!line) throw Error("open repository " + file.string() + ": the file can't be read");
  if (!line->starts_with(prefix)) throw Error("open repository " + file.string() + ": the file does not begin with 'gitdir: '");
  return file.parent_path() / line->substr(prefix.size());
}

std::optional<std::string> value_of(git_config* config, const char* name) {
  git_buf value = {};
  if (git_config_get_string_buf(&value, config, name) < 0) return std::nullopt;
  std::string text(value.ptr, value.size);
  git_buf_dispose(&value);
  return text;
}

}  // namespace

fs::path common_directory(const fs::path& git_directory) {
  std::error_code ignored;
  fs::path directory = fs::is_regular_file(git_directory, ignored) ? follow_git_file(git_directory) : git_directory;
  if (const auto common = first_line(directory / "commondir"); common && !common->empty()) directory /= *common;
  if (!fs::is_directory(directory / "objects", ignored)) {
    throw Error("open repository " + git_directory.string() + ": there is no folder " + (directory / "objects").lexically_normal().string());
  }
  // Resolved, since the worktree that led here may be removed while the objects are being read.
  fs::path resolved = fs::canonical(directory, ignored);
  if (ignored) throw Error("open repository " + git_directory.string() + ": " + ignored.message());
  return resolved;
}

RepositoryConfig read_config(const fs::path& common_directory) {
  git_config* opened = nullptr;
  if (git_config_open_ondisk(&opened, (common_directory / "config").c_str()) < 0) return {};
  const std::unique_ptr<git_config, Freed<git_config_free>> config(opened);
  return {.object_format = value_of(opened, "extensions.objectformat"), .origin_url = value_of(opened, "remote.origin.url")};
}

bool is_partial_clone(const fs::path& common_directory) {
  std::error_code ignored;
  for (fs::directory_iterator entry(common_directory / "objects" / "pack", ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->path().extension() == ".promisor") return true;
  }
  return false;
}

}  // namespace tidemark::git
