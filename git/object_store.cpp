#include "git/object_store.hpp"

#include <limits>
#include <queue>
#include <unordered_set>
#include <utility>

#include "git/object_database.hpp"
#include "git/raw_object.hpp"
#include "git/repository_layout.hpp"

namespace tidemark::git {

namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

Revision to_revision(const git_commit* commit) {
  Revision revision;
  revision.commit = from_git(*git_commit_id(commit));
  revision.tree = from_git(*git_commit_tree_id(commit));
  revision.committed_at = git_commit_time(commit);
  const unsigned int parents = git_commit_parentcount(commit);
  revision.parents.reserve(parents);
  for (unsigned int i = 0; i < parents; ++i) revision.parents.push_back(from_git(*git_commit_parent_id(commit, i)));
  return revision;
}

}  // namespace

ObjectStore::ObjectStore(const std::filesystem::path& git_directory) : common_directory_(common_directory(git_directory)) {
  RepositoryConfig config = read_config(common_directory_);
  if (config.object_format && *config.object_format != "sha1") {
    throw Unsupported("repository " + common_directory_.string() + " has the object format " + *config.object_format +
                      "; only sha1 repositories can be read");
  }
  origin_url_ = std::move(config.origin_url);
  open();
}

ObjectStore::~ObjectStore() { close(); }

void ObjectStore::open() {
  OdbHandle odb = open_database(common_directory_ / "objects");
  check(git_repository_wrap_odb(&repository_, odb.get()), "open the objects of " + common_directory_.string());
  odb_ = odb.release();
}

void ObjectStore::close() {
  git_repository_free(std::exchange(repository_, nullptr));
  git_odb_free(std::exchange(odb_, nullptr));
}

Revision ObjectStore::revision(const Oid& commit) const {
  const git_oid id = to_git(commit);
  git_object* found = nullptr;
  check_found(git_object_lookup(&found, repository_, &id, GIT_OBJECT_ANY), commit);
  const ObjectHandle object(found);
  git_object* peeled = nullptr;
  const int code = git_object_peel(&peeled, found, GIT_OBJECT_COMMIT);
  if (code == GIT_EINVALIDSPEC || code == GIT_EPEEL) {
    throw Error("object " + commit.hex() + " is a " + git_object_type2string(git_object_type(found)) + " that leads to no commit");
  }
  check_found(code, commit);
  const ObjectHandle target(peeled);
  const Revision revision = to_revision(reinterpret_cast<const git_commit*>(peeled));
  check_hash_of(odb_, commit);
  if (revision.commit != commit) check_hash_of(odb_, revision.commit);
  return revision;
}

std::int64_t ObjectStore::blob_size(const Oid& blob) const {
  try {
    return static_cast<std::int64_t>(read_size(odb_, blob, GIT_OBJECT_BLOB));
  } catch (const ObjectMissing&) {
    check_partial_clone(blob);
    throw;
  }
}

void ObjectStore::read_blob(const Oid& blob, const std::function<void(std::string_view)>& use) const {
  OdbObjectHandle object;
  try {
    object = read_object(odb_, blob, GIT_OBJECT_BLOB, unlimited);
  } catch (const ObjectMissing&) {
    check_partial_clone(blob);
    throw;
  }
  use(bytes_of(object));
}

void ObjectStore::check_partial_clone(const Oid& blob) const {
  if (!is_partial_clone(common_directory_)) return;
  throw Unsupported("blob " + blob.hex() + " is not in " + common_directory_.string() + ", a partial clone; clone it without a filter");
}

bool ObjectStore::contains(const Oid& oid) const {
  const git_oid id = to_git(oid);
  return git_odb_exists(odb_, &id) == 1;
}

bool ObjectStore::is_ancestor(const Oid& ancestor, const Oid& commit, std::size_t limit) const {
  // Newest first, so that a near ancestor is found before a far one is looked at.
  std::priority_queue<std::pair<git_time_t, Oid>> waiting;
  std::unordered_set<Oid> seen{commit};
  waiting.emplace(std::numeric_limits<git_time_t>::max(), commit);
  for (std::size_t looked_at = 0; !waiting.empty() && looked_at < limit; ++looked_at) {
    const Oid oid = waiting.top().second;
    waiting.pop();
    const git_oid id = to_git(oid);
    git_commit* found = nullptr;
    const int code = git_commit_lookup(&found, repository_, &id);
    if (code == GIT_ENOTFOUND) continue;
    check_found(code, oid);
    const CommitHandle handle(found);
    check_hash_of(odb_, oid);
    if (oid == ancestor) return true;
    const unsigned int parents = git_commit_parentcount(found);
    for (unsigned int i = 0; i < parents; ++i) {
      const Oid parent = from_git(*git_commit_parent_id(found, i));
      // A child's time stands for its parents', which are read only when it is their turn.
      if (seen.insert(parent).second) waiting.emplace(git_commit_time(found), parent);
    }
  }
  return false;
}

bool ObjectStore::contains_trees_of(const Oid& tree) const { return contains(tree); }

void ObjectStore::refresh() {
  close();
  open();
}

}  // namespace tidemark::git
