#include "sync/remote/local_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "git/libgit2.hpp"
#include "git/tree_walk.hpp"
#include "sync/repository/packs.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr const char* marker_name = "tidemark-copying";
constexpr std::size_t chunk_bytes = 16 * 1024 * 1024;

fs::path objects_folder_parent(const fs::path& remote) {
  git_repository* opened = nullptr;
  git::check(git_repository_open(&opened, remote.c_str()), "open " + remote.string());
  const git::RepositoryHandle handle(opened);
  return git_repository_commondir(opened);
}

bool has_packs_or_objects(const fs::path& git_directory) {
  for (const auto& entry : fs::directory_iterator(git_directory / "objects")) {
    if (entry.path().filename().string().size() == 2) return true;
  }
  return !pack_files(git_directory).empty();
}

// Files can be taken over only from a repository that has all objects itself and on purpose.
bool is_self_contained(const fs::path& source) {
  if (fs::exists(source / "objects" / "info" / "alternates") || fs::exists(source / "shallow")) return false;
  for (const auto& pack : pack_files(source)) {
    if (fs::exists(fs::path(pack).replace_extension(".promisor"))) return false;
  }
  return true;
}

class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (descriptor_ < 0) throw git::Error("open " + path.string() + ": " + std::strerror(errno));
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

void copy_bytes(const fs::path& from, const fs::path& to, const std::function<void()>& check) {
  const File in(from, O_RDONLY | O_NOFOLLOW);
  const File out(to, O_WRONLY | O_CREAT | O_TRUNC, 0444);
  while (true) {
    check();
    ssize_t count = copy_file_range(in.get(), nullptr, out.get(), nullptr, chunk_bytes, 0);
    if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
      std::array<char, 65536> buffer;
      count = read(in.get(), buffer.data(), buffer.size());
      if (count > 0 && write(out.get(), buffer.data(), static_cast<std::size_t>(count)) != count) count = -1;
    }
    if (count == 0) return;
    if (count < 0) throw git::Error("copy " + from.string() + " to " + to.string() + ": " + std::strerror(errno));
  }
}

void write_shallow(const fs::path& git_directory, const std::vector<git::Oid>& commits) {
  if (commits.empty()) return;
  std::unordered_set<std::string> lines;
  std::ifstream in(git_directory / "shallow");
  for (std::string line; std::getline(in, line);) lines.insert(line);
  for (const auto& commit : commits) lines.insert(commit.hex());
  const fs::path temporary = git_directory / "shallow.lock";
  std::ofstream out(temporary, std::ios::trunc);
  for (const auto& line : lines) out << line << "\n";
  out.close();
  if (!out) throw git::Error("write " + temporary.string() + " failed");
  fs::rename(temporary, git_directory / "shallow");
}

}  // namespace

// Walks from a commit to what the target has. A commit or tree that is there has all that is below it, since packs come whole.
class LocalCopy::Missing {
 public:
  Missing(const git::ObjectStore& from, const git::ObjectStore& have, const std::function<void()>& check) : from_(from), have_(have), check_(check) {}

  void find(const git::Oid& wanted) {
    if (!from_.contains(wanted)) throw git::ObjectMissing(wanted);
    add_tags(wanted);
    std::vector<git::Oid> waiting{from_.revision(wanted).commit};
    while (!waiting.empty()) {
      const git::Oid commit = waiting.back();
      waiting.pop_back();
      if (!add(commit)) continue;
      check_();
      const git::Revision revision = from_.revision(commit);
      add_tree(revision.tree);
      for (const git::Oid& parent : revision.parents) {
        if (from_.contains(parent)) {
          waiting.push_back(parent);
        } else {
          shallow.push_back(commit);
        }
      }
    }
  }

  std::vector<git::Oid> objects;
  std::vector<git::Oid> shallow;  // commits whose parents the remote lacks itself

 private:
  bool add(const git::Oid& oid) {
    if (have_.contains(oid) || !seen_.insert(oid).second) return false;
    objects.push_back(oid);
    return true;
  }

  void add_tree(const git::Oid& root) {
    if (!add(root)) return;
    git::walk_trees(from_, root, [this](const git::Oid& tree) { return add(tree); }, [this](const git::Oid& blob) { add(blob); });
  }

  void add_tags(const git::Oid& wanted) {
    const git_oid id = git::to_git(wanted);
    git_object* object = nullptr;
    git::check(git_object_lookup(&object, from_.repository(), &id, GIT_OBJECT_ANY), "read " + wanted.hex());
    git::ObjectHandle handle(object);
    while (git_object_type(handle.get()) == GIT_OBJECT_TAG) {
      add(git::from_git(*git_object_id(handle.get())));
      git_object* target = nullptr;
      git::check(git_tag_target(&target, reinterpret_cast<const git_tag*>(handle.get())), "read the target of tag " + wanted.hex());
      handle.reset(target);
    }
  }

  const git::ObjectStore& from_;
  const git::ObjectStore& have_;
  const std::function<void()>& check_;
  std::unordered_set<git::Oid> seen_;
};

LocalCopy::LocalCopy(const fs::path& remote, fs::path target, std::function<void()> check)
    : source_(objects_folder_parent(remote)), target_(std::move(target)), check_(std::move(check)) {}

bool LocalCopy::is_incomplete(const fs::path& target) { return fs::exists(target / marker_name); }

void LocalCopy::bring(const git::Oid& wanted) {
  const bool first = is_incomplete(target_) || !has_packs_or_objects(target_);
  if (first && is_self_contained(source_)) {
    const File marker(target_ / marker_name, O_WRONLY | O_CREAT, 0644);
    copy_files();
    check_tip(wanted);
  } else {
    write_missing(wanted);
  }
  fs::remove(target_ / marker_name);
}

void LocalCopy::copy_files() {
  // Loose objects before packs: a repack under way moves objects from the former to the latter.
  for (const auto& entry : fs::directory_iterator(source_ / "objects")) {
    if (entry.path().filename().string().size() == 2) copy_folder(entry.path().filename(), false);
  }
  copy_folder("pack", true);
}

void LocalCopy::copy_folder(const fs::path& name, bool is_pack_folder) {
  const fs::path from = source_ / "objects" / name;
  const fs::path to = target_ / "objects" / name;
  fs::create_directories(to);
  if (!is_pack_folder) {
    for (const auto& entry : fs::directory_iterator(from)) {
      if (entry.path().filename().string().size() == 2 * git::Oid::size - 2) place(entry.path(), to / entry.path().filename());
    }
    return;
  }
  for (const auto& pack : pack_files(source_)) {
    place(pack, to / pack.filename());
    const fs::path index = fs::path(pack).replace_extension(".idx");
    place(index, to / index.filename());
  }
}

void LocalCopy::place(const fs::path& from, const fs::path& to) {
  check_();
  if (fs::exists(to)) return;
  if (!fs::is_regular_file(fs::symlink_status(from))) throw git::Error("copy " + from.string() + ": it is no regular file");
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error) return;
  const fs::path temporary = to.parent_path() / ("tmp_" + to.filename().string());
  copy_bytes(from, temporary, check_);
  fs::rename(temporary, to);
}

void LocalCopy::check_tip(const git::Oid& wanted) {
  const git::ObjectStore store(target_);
  git::walk_tree(store, store.revision(wanted).tree, {}, [&](std::string_view, const git::Entry& entry) {
    if (entry.mode != git::Mode::submodule && !store.contains(entry.oid)) throw git::ObjectMissing(entry.oid);
    return true;
  });
}

void LocalCopy::write_missing(const git::Oid& wanted) {
  const git::ObjectStore from(source_);
  const git::ObjectStore have(target_);
  Missing missing(from, have, check_);
  missing.find(wanted);
  write_pack(from.repository(), missing.objects, target_, check_);
  write_shallow(target_, missing.shallow);
}

}  // namespace tidemark::sync
