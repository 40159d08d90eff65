#include "sync/repository/leftovers.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

void remove(const fs::path& path, Log& log) {
  std::error_code error;
  fs::remove(path, error);
  if (error) {
    log.warning("cannot remove what a killed process left", {{"path", path.string()}, {"reason", error.message()}});
  } else {
    log.info("removed what a killed process left", {{"path", path.string()}});
  }
}

template <typename Iterator, typename Unwanted>
void remove_if(const fs::path& folder, Log& log, Unwanted unwanted) {
  std::error_code error;
  for (Iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_directory(error) && unwanted(entry->path())) remove(entry->path(), log);
  }
}

bool is_lock(const fs::path& path) { return path.extension() == ".lock"; }

bool is_unfinished(const fs::path& path) {
  constexpr std::array<std::string_view, 4> prefixes = {"pack_git2_", "tmp_", ".tmp-", "loose_git2_"};
  const std::string name = path.filename().string();
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool is_index_without_pack(const fs::path& path) { return path.extension() == ".idx" && !fs::exists(fs::path(path).replace_extension(".pack")); }

}  // namespace

void remove_leftovers(const fs::path& git_directory, Log& log) {
  remove_if<fs::directory_iterator>(git_directory, log, is_lock);
  remove_if<fs::recursive_directory_iterator>(git_directory / "refs", log, is_lock);
  remove_if<fs::recursive_directory_iterator>(
      git_directory / "objects", log, [](const fs::path& path) { return is_lock(path) || is_unfinished(path) || is_index_without_pack(path); });
}

}  // namespace tidemark::sync
