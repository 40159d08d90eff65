#include "sync/publish/filters.hpp"

#include "git/libgit2.hpp"
#include "git/tree_walk.hpp"

namespace tidemark::sync {

namespace {

struct Buffer {
  git_buf buffer = GIT_BUF_INIT;
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { git_buf_dispose(&buffer); }
};

bool is_attributes_file(std::string_view path) {
  constexpr std::string_view name = ".gitattributes";
  return path.ends_with(name) && (path.size() == name.size() || path[path.size() - name.size() - 1] == '/');
}

std::string hash(const std::string& text) {
  git_oid oid;
  git::check(git_odb_hash(&oid, text.data(), text.size(), GIT_OBJECT_BLOB), "cannot hash the attributes");
  return git::from_git(oid).hex();
}

}  // namespace

Filters::Filters(const git::ObjectStore& store, const git::Revision& revision) : store_(store), commit_(revision.commit) {
  git::walk_tree(store, revision.tree, {}, [&](std::string_view path, const git::Entry& entry) {
    if (!is_attributes_file(path)) return true;
    fingerprint_ = hash(fingerprint_ + '\n' + std::string(path) + '\n' + entry.oid.hex());
    any_ = true;
    return true;
  });
}

void Filters::read(const git::Oid& blob, const std::string& path, const std::function<void(std::string_view)>& use) const {
  const git_oid oid = git::to_git(blob);
  git_blob* found = nullptr;
  git::check(git_blob_lookup(&found, store_.repository(), &oid), "cannot read the blob of '" + path + "'");
  const git::BlobHandle handle(found);
  git_blob_filter_options options = GIT_BLOB_FILTER_OPTIONS_INIT;
  options.flags = GIT_BLOB_FILTER_CHECK_FOR_BINARY | GIT_BLOB_FILTER_NO_SYSTEM_ATTRIBUTES | GIT_BLOB_FILTER_ATTRIBUTES_FROM_COMMIT;
  options.attr_commit_id = git::to_git(commit_);
  Buffer out;
  git::check(git_blob_filter(&out.buffer, handle.get(), path.c_str(), &options), "cannot filter '" + path + "' as .gitattributes asks");
  use({out.buffer.ptr, out.buffer.size});
}

}  // namespace tidemark::sync
