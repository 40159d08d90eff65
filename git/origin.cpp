#include "git/origin.hpp"

#include <memory>

#include "git/libgit2.hpp"
#include "git/repository_layout.hpp"

namespace tidemark::git {

std::optional<std::string> origin_url(const std::filesystem::path& git_directory) {
  git_config* opened = nullptr;
  if (git_config_open_ondisk(&opened, (common_directory(git_directory) / "config").c_str()) < 0) return std::nullopt;
  const std::unique_ptr<git_config, Freed<git_config_free>> config(opened);
  git_buf url = {};
  if (git_config_get_string_buf(&url, config.get(), "remote.origin.url") < 0) return std::nullopt;
  std::string text(url.ptr, url.size);
  git_buf_dispose(&url);
  return text;
}

}  // namespace tidemark::git
