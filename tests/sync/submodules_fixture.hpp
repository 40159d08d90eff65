// A superproject with nested submodules, and a synchronizer that follows it.
#pragma once

#include <doctest/doctest.h>

#include <set>

#include "daemon/error.hpp"
#include "sync/published_root.hpp"
#include "sync/servers.hpp"
#include "sync/synchronizer.hpp"

namespace tidemark::testing {

namespace fs = std::filesystem;
using sync::SubmoduleNesting;
using sync::Synchronizer;

struct Module {
  std::string name, path, url;
  std::string more = {};
};

inline std::string gitmodules(const std::vector<Module>& modules) {
  std::string text;
  for (const auto& [name, path, url, more] : modules)
    text += "[submodule \"" + name + "\"]\n\tpath = " + path + "\n\turl = " + url + "\n" + (more.empty() ? "" : "\t" + more + "\n");
  return text;
}

// super.git has lib.git at "lib", which has inner.git at "deep/inner"; all URLs are relative.
struct SubmodulesFixture {
  git::Library library;
  TemporaryDirectory directory;
  fs::path served = directory / "served";
  fs::path root = directory / "root";
  bool made = fs::create_directory(served);
  GitRepository super = repository("super");
  GitRepository lib = repository("lib");
  GitRepository inner = repository("inner");
  std::vector<Module> modules = {{"lib", "lib", "../lib.git"}};
  Tree own = {{"own", {"100644", "own"}}};
  std::string inner_commit, lib_commit, commit;
  sync::SyncSettings settings;
  Wakeup wakeup;
  Metrics metrics;
  Log log{LogFormat::text, LogLevel::error};
  std::unique_ptr<Synchronizer> synchronizer;

  SubmodulesFixture() {
    ::umask(0022);
    commit_inner("one");
  }
  GitRepository repository(const std::string& name) const {
    GitRepository made_now(served / (name + ".git"));
    made_now.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
    return made_now;
  }
  // Each commits what is above it, too.
  void commit_inner(const std::string& text) {
    inner_commit = inner.commit({{"inner", {"100644", text}}});
    commit_lib("lib " + text);
  }
  void commit_lib(const std::string& text) {
    lib_commit = lib.commit(
        {{"file", {"100644", text}}, {"deep/inner", {"160000", inner_commit}}, {".gitmodules", {"100644", gitmodules({{"in", "deep/inner", "../inner.git"}})}}});
    commit_super();
  }
  void commit_super() {
    Tree tree = own;
    tree["lib"] = {"160000", lib_commit};
    tree[".gitmodules"] = {"100644", gitmodules(modules)};
    commit = super.commit(tree);
  }

  void follow(const std::string& url) {
    synchronizer.reset();
    settings.repo = url;
    settings.root = root.string();
    settings.link = "link";
    synchronizer = std::make_unique<Synchronizer>(settings, wakeup, metrics, log);
  }
  bool publishes() { return synchronizer->sync_once({}) == Synchronizer::Outcome::published; }
  // Why a pass fails, or "".
  std::string failure() {
    try {
      synchronizer->sync_once({});
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  std::string live() const { return fs::read_symlink(root / "link").filename(); }
  std::string published(const std::string& path) const { return read_file(root / "link" / path); }
  std::string git_at(const std::string& path, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-C", (root / "link" / path).string()});
    return trimmed(run(arguments, {}, GitRepository::environment()));
  }
  void check_published() const {
    CHECK(live() == commit);
    CHECK(published("own") == "own");
    CHECK(published("lib/file") == lib.git({"show", lib_commit + ":file"}));
    CHECK(published("lib/deep/inner/inner") == inner.git({"show", inner_commit + ":inner"}));
    for (const std::string path : {"", "lib", "lib/deep/inner"}) {
      CAPTURE(path);
      CHECK(git_at(path, {"status", "--porcelain", "--ignored"}) == "");
    }
    CHECK(git_at("lib", {"rev-parse", "HEAD"}) == lib_commit);
    CHECK(git_at("lib/deep/inner", {"rev-parse", "HEAD"}) == inner_commit);
    CHECK(git_at("", {"submodule", "status"}) == " " + lib_commit + " lib (tidemark/fetched)");
  }
  std::set<std::string> repositories() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root / ".git/modules"))
      if (!entry.path().filename().string().starts_with('.')) names.insert(entry.path().filename());
    return names;
  }
};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace tidemark::testing
