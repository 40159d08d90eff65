// A published repository as git-sync v4 lays it out, made by the git command, and a reconciler with the real SQLite engine beside it.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "git/object_store.hpp"
#include "ingest/faulty_engine.hpp"
#include "ingest/reconciler.hpp"
#include "ingest/sqlite/sqlite_engine.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"

namespace tidemark::testing {

// ROOT with its repository and links. A commit is made in the repository itself, as if it had just been fetched.
class Volume {
 public:
  explicit Volume(const std::filesystem::path& root, const std::string& origin = "https://host.example/team/docs.git") : root_(root) {
    run({"git", "init", "--quiet", "--initial-branch=main", root.string()}, {}, GitRepository::environment());
    git({"config", "remote.origin.url", origin});
    git({"config", "gc.auto", "0"});
  }

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path link() const { return root_ / "current"; }

  std::string git(std::vector<std::string> arguments, std::string_view input = {}) const {
    arguments.insert(arguments.begin(), {"git", "-C", root_.string()});
    return run(arguments, input, GitRepository::environment());
  }

  // A commit whose tree is exactly `tree`; its hex.
  std::string commit(const Tree& tree, const std::optional<std::string>& parent = std::nullopt) const {
    std::string stream =
        "reset refs/heads/made\n\ncommit refs/heads/made\ncommitter T <t@example.com> " + std::to_string(++clock_) + " +0000\ndata 1\nm\n";
    if (parent) stream += "from " + *parent + "\n";
    stream += "deleteall\n";
    for (const auto& [path, file] : tree) {
      if (file.mode == "160000") {
        stream += "M 160000 " + file.content + " " + GitRepository::quoted(path) + "\n";
      } else {
        stream += "M " + file.mode + " inline " + GitRepository::quoted(path) + "\ndata " + std::to_string(file.content.size()) + "\n" +
                  file.content + "\n";
      }
    }
    git({"fast-import", "--quiet", "--force"}, stream);
    return trimmed(git({"rev-parse", "refs/heads/made"}));
  }

  // As git-sync does it: a linked worktree with a relative `.git` file, then the link by one rename.
  void publish(const std::string& commit) const {
    const auto worktree = root_ / ".worktrees" / commit;
    if (!std::filesystem::exists(worktree)) {
      git({"worktree", "add", "--quiet", "--force", "--detach", "--no-checkout", worktree.string(), commit});
      std::ofstream(worktree / ".git") << "gitdir: ../../.git/worktrees/" << commit << "\n";
    }
    flip(std::filesystem::path(".worktrees") / commit);
  }
  std::string publish(const Tree& tree, const std::optional<std::string>& parent = std::nullopt) const {
    const auto made = commit(tree, parent);
    publish(made);
    return made;
  }
  void flip(const std::filesystem::path& target) const {
    std::filesystem::create_symlink(target, root_ / "tmp-link");
    std::filesystem::rename(root_ / "tmp-link", link());
  }

  // What git has below `commit`: path -> blob, regular files only.
  std::map<std::string, std::string> files(const std::string& commit) const {
    std::map<std::string, std::string> result;
    const auto listing = git({"ls-tree", "-r", "-z", commit});
    for (std::size_t at = 0; at < listing.size();) {
      const auto end = listing.find('\0', at);
      const auto entry = listing.substr(at, end - at);
      if (entry.starts_with("100")) result[entry.substr(entry.find('\t') + 1)] = entry.substr(12, 40);
      at = end + 1;
    }
    return result;
  }

 private:
  std::filesystem::path root_;
  mutable long clock_ = 1'700'000'000;
};

struct AgentOptions {
  ingest::ReconcilerSettings reconciler = {};
  ingest::SelectionSettings selection = {};
  std::string source_name = {};
};

// One life of the process: what is in the index file stays for the next one.
class Agent {
 public:
  Agent(const Volume& volume, const std::filesystem::path& file, AgentOptions options = {})
      : engine(std::make_unique<FaultyEngine>(ingest::open_sqlite_engine(file, log))),
        source(volume.link(), options.source_name),
        selection(options.selection),
        reconciler(source, *engine, selection, options.reconciler, history, metrics, log) {}

  ingest::RunReport run(const std::string& trigger = "start") { return reconciler.reconcile_once(trigger); }

  // What the index holds: path -> blob.
  std::map<std::string, std::string> documents() {
    std::map<std::string, std::string> result;
    ingest::DocumentPageQuery query{.prefix = "", .after = {}, .limit = 1000};
    for (;;) {
      auto page = engine->documents(query);
      for (const auto& row : page.rows) result[row.key.path] = row.oid.hex();
      if (!page.next) return result;
      query.after = page.next;
    }
  }
  std::map<std::string, std::string> quarantine() {
    std::map<std::string, std::string> result;
    for (const auto& entry : engine->quarantine(1000)) result[entry.key.path] = entry.reason;
    return result;
  }

  Log log{LogFormat::text, LogLevel::error};
  Metrics metrics;
  ingest::RunHistory history;
  std::unique_ptr<FaultyEngine> engine;  // the real one, as long as no fault is asked for
  ingest::Source source;
  ingest::Selection selection;
  ingest::Reconciler reconciler;
};

inline const git::Library& libgit2() {
  static const git::Library library(git::Library::Hashing::by_object_store);  // as in main
  return library;
}

}  // namespace tidemark::testing
