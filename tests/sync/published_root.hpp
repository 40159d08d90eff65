// A sidecar's root as the publisher finds it, with a real repository in it, and what lies under its link.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "daemon/log.hpp"
#include "git/object_store.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"
#include "sync/publish/publisher.hpp"

namespace tidemark::testing {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

// The files below `folder` without its own `.git`; an empty folder is shown as a submodule without its commit.
inline Tree files_below(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  Tree tree;
  for (fs::recursive_directory_iterator entry(folder), end; entry != end; ++entry) {
    const std::string path = entry->path().string().substr(folder.string().size() + 1);
    if (path == ".git") continue;
    if (entry->is_symlink())
      tree[path] = {"120000", fs::read_symlink(entry->path()).string()};
    else if (entry->is_directory() && fs::is_empty(entry->path()))
      tree[path] = {"160000", ""};
    else if (entry->is_regular_file())
      tree[path] = {(entry->status().permissions() & fs::perms::owner_exec) != fs::perms::none ? "100755" : "100644", read_file(entry->path())};
  }
  return tree;
}

inline Tree without_submodule_commits(Tree tree) {
  for (auto& [path, file] : tree)
    if (file.mode == "160000") file.content.clear();
  return tree;
}

struct PublishedRoot {
  git::Library library;
  TemporaryDirectory directory;
  std::filesystem::path root = directory / "root";
  GitRepository git{root / ".git"};
  Log log{LogFormat::text, LogLevel::error};
  git::ObjectStore store{root / ".git"};

  PublishedRoot() {
    ::umask(0022);
    git.git({"config", "core.bare", "false"});
  }

  std::filesystem::path link() const { return root / "link"; }
  std::filesystem::path live() const { return std::filesystem::canonical(link()); }
  std::string git_in_link(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-C", link().string()});
    return run(arguments, {}, GitRepository::environment());
  }
  git::Revision revision(const std::string& hex) {
    store.refresh();
    return store.revision(*git::Oid::parse(hex));
  }
  std::optional<sync::CheckoutCounts> publish(sync::Publisher& publisher, const std::string& hex) { return publisher.publish(store, revision(hex), {}); }
  sync::Publisher publisher(sync::Checkout checkout = sync::Checkout::full) { return {root, "link", {.checkout = checkout}, log}; }
  sync::Publisher publisher(sync::TreeSettings settings) { return {root, "link", settings, log}; }
};

inline ino_t inode(const std::filesystem::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace tidemark::testing
