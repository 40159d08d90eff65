#include "git/repository_layout.hpp"

#include <fstream>
#include <optional>
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

void check_object_format(const fs::path& common_directory) {
  git_config* config = nullptr;
  if (git_config_open_ondisk(&config, (common_directory / "config").c_str()) < 0) return;
  const std::unique_ptr<git_config, Freed<git_config_free>> handle(config);
  git_buf format = {};
  if (git_config_get_string_buf(&format, config, "extensions.objectformat") < 0) return;
  const std::string name(format.ptr, format.size);
  git_buf_dispose(&format);
  if (name != "sha1") {
    throw Unsupported("repository " + common_directory.string() + " has the object format " + name + "; only sha1 repositories can be read");
  }
}

bool is_partial_clone(const fs::path& common_directory) {
  std::error_code ignored;
  for (fs::directory_iterator entry(common_directory / "objects" / "pack", ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->path().extension() == ".promisor") return true;
  }
  return false;
}

}  // namespace tidemark::git
