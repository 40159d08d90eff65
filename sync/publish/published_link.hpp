// ROOT/<link>: the symbolic link that consumers read through. Its target's last part is the commit.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "git/oid.hpp"

namespace tidemark::sync {

class PublishedLink {
 public:
  // `root` is absolute and without symbolic links; `link` is absolute or relative to it. Makes the link's folder. Throws ConfigError for a link that
  // is something else than a symbolic link or lies where the trees are, TransientError when the folder can't be made.
  PublishedLink(std::filesystem::path root, const std::filesystem::path& link);

  // The commit that the link names, whatever became of its tree.
  std::optional<git::Oid> commit() const;
  // It leads to this folder.
  bool leads_to(const std::filesystem::path& folder) const;
  // There is no link: nothing is live. False also when that can't be told.
  bool is_absent() const;
  // By one rename. Nothing is done when it names that folder already.
  void replace(const std::filesystem::path& folder) const;

  std::filesystem::path folder() const { return path_.parent_path(); }
  // A new link that a killed process left in the link's folder.
  bool is_left_over(const std::string& name) const;

 private:
  std::string temporary_prefix() const;

  std::filesystem::path root_;
  std::filesystem::path path_;  // absolute, its folder without symbolic links
};

// Throws TransientError; `what` names it in the message.
void create_directories(const std::filesystem::path& path, const std::string& what);
std::filesystem::path real_path(const std::filesystem::path& path, const std::string& what);

}  // namespace tidemark::sync
