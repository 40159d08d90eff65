#include "sync/repository/reachable.hpp"

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "git/libgit2.hpp"
#include "git/tree_walk.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

ObjectHeader header_of(const git::ObjectStore& store, const git::Oid& object) {
  const git_oid id = git::to_git(object);
  ObjectHeader header;
  git::check(git_odb_read_header(&header.size, &header.kind, store.database(), &id), "read " + object.hex());
  return header;
}

Reachable::Reachable(const git::ObjectStore& store, std::stop_token stop) : store_(store), stop_(std::move(stop)) {
  std::ifstream in(store.directory() / "shallow");
  for (std::string line; std::getline(in, line);)
    if (const auto commit = git::Oid::parse(line)) shallow_.insert(*commit);
}

void Reachable::add(const std::vector<git::Oid>& roots) {
  for (const git::Oid& root : roots) add_root(root);
  add_commits();  // before any tree: a history that is too long is soon found out
  for (const git::Oid& tree : std::exchange(trees_, {})) add_tree(tree);
}

void Reachable::add_root(git::Oid root) {
  while (!contains(root)) {
    const git_object_t kind = header_of(store_, root).kind;
    if (kind == GIT_OBJECT_COMMIT) return commits_.push_back(root);
    if (kind == GIT_OBJECT_TREE) return trees_.push_back(root);
    if (kind != GIT_OBJECT_TAG) {
      blobs_.insert(root);
      return;
    }
    const git_oid id = git::to_git(root);
    git_tag* tag = nullptr;
    git::check(git_tag_lookup(&tag, store_.repository(), &id), "read the tag " + root.hex());
    const std::unique_ptr<git_tag, git::Freed<git_tag_free>> handle(tag);
    walked_.insert(root);
    root = git::from_git(*git_tag_target_id(tag));
  }
}

void Reachable::add_commits() {
  while (!commits_.empty()) {
    const git::Oid commit = commits_.back();
    commits_.pop_back();
    if (!walked_.insert(commit).second) continue;
    check();
    if (++commit_count_ > max_commits) throw git::Error("there are more than " + std::to_string(max_commits) + " commits");
    const git::Revision revision = store_.revision(commit);
    trees_.push_back(revision.tree);
    if (!shallow_.contains(commit)) commits_.insert(commits_.end(), revision.parents.begin(), revision.parents.end());
  }
}

void Reachable::add_tree(const git::Oid& root) {
  if (!walked_.insert(root).second) return;
  git::walk_trees(
      store_, root,
      [this](const git::Oid& tree) {
        check();
        return walked_.insert(tree).second;
      },
      [this](const git::Oid& blob) {
        check();
        blobs_.insert(blob);
      });
}

void Reachable::check() const {
  if (stop_.stop_requested()) throw git::Error("there is no time to look for what is needed");
  if (walked_.size() + blobs_.size() > max_objects) throw git::Error("there are more than " + std::to_string(max_objects) + " objects");
}

std::vector<git::Oid> named_objects(git_repository* repository) {
  git_reference_iterator* iterator = nullptr;
  git::check(git_reference_iterator_new(&iterator, repository), "list the refs");
  const std::unique_ptr<git_reference_iterator, git::Freed<git_reference_iterator_free>> handle(iterator);
  std::vector<git::Oid> objects;
  const auto add = [&](const char* ref) {
    git_oid id;
    const int code = git_reference_name_to_id(&id, repository, ref);
    if (code == GIT_ENOTFOUND) return;  // HEAD before the first publication, or what names such a ref
    git::check(code, std::string("read ") + ref);
    objects.push_back(git::from_git(id));
  };
  const char* name = nullptr;
  int code = 0;
  while ((code = git_reference_next_name(&name, iterator)) == 0) add(name);
  if (code != GIT_ITEROVER) git::check(code, "list the refs");
  add("HEAD");
  return objects;
}

std::vector<git::Oid> checked_out(const fs::path& git_directory) {
  std::vector<git::Oid> commits;
  std::error_code none;
  for (fs::directory_iterator record(git_directory / "worktrees", none), end; !none && record != end; record.increment(none)) {
    std::ifstream in(record->path() / "HEAD");
    std::string line;
    if (std::getline(in, line))
      if (const auto commit = git::Oid::parse(line)) commits.push_back(*commit);
  }
  return commits;
}

std::vector<git::Oid> loose_objects(const fs::path& git_directory) {
  std::vector<git::Oid> objects;
  for (const auto& folder : fs::directory_iterator(git_directory / "objects")) {
    const std::string first = folder.path().filename();
    if (first.size() != 2) continue;
    for (const auto& file : fs::directory_iterator(folder.path()))
      if (const auto object = git::Oid::parse(first + file.path().filename().string())) objects.push_back(*object);
  }
  return objects;
}

}  // namespace tidemark::sync
