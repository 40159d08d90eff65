#include "sync/repository/repository.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "git/object_database.hpp"
#include "sync/remote/remote_url.hpp"
#include "sync/repository/leftovers.hpp"
#include "sync/repository/packs.hpp"
#include "sync/repository/reachable.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view revisions_prefix = "refs/tidemark/revisions/";
constexpr const char* aside_suffix = ".damaged-";  // of repositories that were replaced, or are being made
constexpr const char* depth_key = "tidemark.depth";

constexpr std::uintmax_t growth_margin = 64 * 1024 * 1024;  // of the packs, before it is looked for what is not needed

std::string random_suffix() {
  std::random_device random;
  return std::to_string(random()) + std::to_string(random());
}

using ConfigHandle = std::unique_ptr<git_config, git::Freed<git_config_free>>;

git::RepositoryHandle open_handle(const fs::path& git_directory) {
  git_repository* repository = nullptr;
  git::check(git_repository_open(&repository, git_directory.c_str()), "open " + git_directory.string());
  git::RepositoryHandle handle(repository);
  git::check(git_repository_set_odb(repository, git::open_database(git_directory / "objects").get()),
             "open the objects of " + git_directory.string());
  return handle;
}

// A folder with objects, of which some may still be good: readers have use for it until there is a better one.
bool has_objects(const fs::path& git_directory) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(git_directory, error)) && fs::is_directory(git_directory / "objects", error);
}

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw TransientError("rename " + from.string() + " to " + to.string() + ": " + error.message() + "; check that --root can be written");
}

// Hard links to every file: the records of trees are never written to.
void link_files(const fs::path& from, const fs::path& to, std::error_code& error) {
  if (fs::exists(from, error))
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::create_hard_links | fs::copy_options::skip_existing, error);
}

struct Kept {
  timespec written;
  std::string name;
};

// Newest first. A ref that is not a file of its own (another program packed it) counts as old.
std::vector<Kept> kept_revisions(git_repository* repository, const fs::path& git_directory) {
  git_reference_iterator* iterator = nullptr;
  git::check(git_reference_iterator_glob_new(&iterator, repository, (std::string(revisions_prefix) + "*").c_str()), "list the kept revisions");
  const std::unique_ptr<git_reference_iterator, git::Freed<git_reference_iterator_free>> handle(iterator);
  std::vector<Kept> refs;
  const char* name = nullptr;
  while (git_reference_next_name(&name, iterator) == 0) {
    struct stat status = {};
    const bool loose = stat((git_directory / name).c_str(), &status) == 0;
    refs.push_back({loose ? status.st_mtim : timespec{}, name});
  }
  std::ranges::sort(refs, [](const Kept& a, const Kept& b) {
    return std::pair(a.written.tv_sec, a.written.tv_nsec) > std::pair(b.written.tv_sec, b.written.tv_nsec);
  });
  return refs;
}

}  // namespace

Repository::Repository(const fs::path& root, const std::string& url, Log& log) : Repository(Kind::superproject, root, ".git", url, log) {}

Repository Repository::of_submodule(const fs::path& folder, const std::string& name, const std::string& url, Log& log) {
  return {Kind::submodule, folder, name, url, log};
}

Repository::Repository(Kind kind, fs::path folder, std::string name, const std::string& url, Log& log)
    : kind_(kind), folder_(std::move(folder)), name_(std::move(name)), url_(RemoteUrl::parse(url).url), log_(&log) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw TransientError("make " + folder_.string() + ": " + error.message() + "; --root has to be a folder that can be written");
  folder_ = fs::canonical(folder_, error);
  if (error) throw TransientError("open " + folder_.string() + ": " + error.message());
  git_directory_ = place();
  open();
  set_origin();
}

void Repository::open() {
  if (fs::symlink_status(git_directory_).type() == fs::file_type::not_found) {
    initialise_at(git_directory_);
    return;
  }
  remove_leftovers(git_directory_, *log_);
  try {
    handle_ = open_handle(git_directory_);
    if (git_repository_is_bare(get()) != (kind_ == Kind::submodule)) throw git::Error("it is bare, or not, as it should not be");
    const git::ObjectStore readable(git_directory_);
  } catch (const git::Error& broken) {
    if (has_objects(git_directory_)) {
      start_afresh(broken.what());
    } else {
      set_aside(broken.what());
      initialise_at(git_directory_);
    }
  }
}

void Repository::start_afresh(const std::string& why) {
  log_->error("the repository is unusable; it is cloned again beside it", {{"path", place().string()}, {"reason", why}});
  initialise_at(new_path_beside());
  remove_replaced();  // of an earlier try
  set_origin();
}

void Repository::complete_replacement() {
  if (!is_being_replaced()) return;
  take_over_records();
  if (::renameat2(AT_FDCWD, git_directory_.c_str(), AT_FDCWD, place().c_str(), RENAME_EXCHANGE) != 0) {
    if (errno != ENOENT) move_to(place(), new_path_beside());
    move_to(git_directory_, place());
  }
  git_directory_ = place();
  handle_ = open_handle(git_directory_);
  log_->info("the repository was cloned again", {{"path", place().string()}});
  remove_replaced();  // whatever becomes of publishing: nobody is led to the old one any more, and it may be what fills the disk
}

// What git knows of the published trees by, and what we recognise their files by.
void Repository::take_over_records() const {
  std::error_code error;
  link_files(place() / "worktrees", git_directory_ / "worktrees", error);
  if (error) log_->warning("cannot take over the records of published trees; they are written again", {{"reason", error.message()}});
}

std::string Repository::aside_prefix() const { return std::string(kind_ == Kind::superproject ? name_ : "") + aside_suffix; }

fs::path Repository::new_path_beside() const { return folder_ / (aside_prefix() + random_suffix()); }

// In the configuration itself: libgit2 1.5 leaks whenever it makes or looks up a named remote (see GitRemote::connect). Submodules count as active,
// so that `git submodule` works in published trees.
void Repository::set_origin() {
  git_config* opened = nullptr;
  git::check(git_repository_config(&opened, get()), "read the configuration of " + git_directory_.string());
  const ConfigHandle config(opened);
  git_buf url = {};
  const bool found = git_config_get_string_buf(&url, opened, "remote.origin.url") == 0;
  const bool same = found && url_ == url.ptr;
  git_buf_dispose(&url);
  if (same) return;
  git::check(git_config_set_string(opened, "remote.origin.url", url_.c_str()), "set the URL of origin");
  git::check(git_config_set_string(opened, "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"), "set what origin fetches");
  git::check(git_config_set_string(opened, "submodule.active", "."), "set which submodules are active");
}

std::optional<std::int64_t> Repository::depth() const {
  git_config* opened = nullptr;
  git::check(git_repository_config_snapshot(&opened, get()), "read the configuration of " + git_directory_.string());
  const ConfigHandle config(opened);
  std::int64_t depth = 0;
  return git_config_get_int64(&depth, opened, depth_key) == 0 ? std::optional(depth) : std::nullopt;
}

void Repository::set_depth(std::int64_t depth) {
  if (this->depth() == depth) return;
  git_config* opened = nullptr;
  git::check(git_repository_config(&opened, get()), "read the configuration of " + git_directory_.string());
  const ConfigHandle config(opened);
  git::check(git_config_set_int64(opened, depth_key, depth), "write down the depth");
}

void Repository::set_aside(const std::string& why) {
  const fs::path aside = new_path_beside();
  log_->error("there is no repository; it is set aside and cloned again",
              {{"path", git_directory_.string()}, {"aside", aside.string()}, {"reason", why}});
  move_to(git_directory_, aside);
}

void Repository::initialise_at(const fs::path& git_directory) {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_MKPATH | (kind_ == Kind::submodule ? GIT_REPOSITORY_INIT_BARE : 0);
  options.initial_head = "tidemark";
  // In another folder first, so that a killed process leaves no half of a repository under the real name.
  const fs::path making = new_path_beside();
  git_repository* repository = nullptr;
  const int code = git_repository_init_ext(&repository, making.c_str(), &options);
  const git::RepositoryHandle made(repository);
  std::error_code error;
  if (code >= 0) fs::rename(kind_ == Kind::submodule ? making : making / ".git", git_directory, error);
  const std::string reason = code < 0 ? git::last_error() : error ? error.message() : "";
  std::error_code ignored;
  fs::remove_all(making, ignored);
  if (!reason.empty())
    throw TransientError("make a repository in " + folder_.string() + ": " + reason + "; check that --root can be written and is not full");
  handle_ = open_handle(git_directory);
  git_directory_ = git_directory;
}

void Repository::keep(const git::Oid& commit, std::size_t kept) {
  const git_oid id = git::to_git(commit);
  const std::string name = std::string(revisions_prefix) + commit.hex();
  git_reference* created = nullptr;
  git::check(git_reference_create(&created, get(), name.c_str(), &id, 1, "published"), "keep " + commit.hex());
  git_reference_free(created);
  // A commit that is published again is new again.
  utimensat(AT_FDCWD, (git_directory_ / name).c_str(), nullptr, 0);
  git::check(git_repository_set_head_detached(get(), &id), "set HEAD to " + commit.hex());
  const auto refs = kept_revisions(get(), git_directory_);
  std::size_t newer = 0;
  for (const Kept& ref : refs) {
    if (ref.name == name || ++newer < kept) continue;
    git::check(git_reference_remove(get(), ref.name.c_str()), "let go of " + ref.name);
  }
  remove_replaced();
}

void Repository::remove_replaced() {
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(aside_prefix()) || entry->path() == git_directory_) continue;
    std::error_code failed;
    fs::remove_all(entry->path(), failed);
    if (failed) log_->warning("cannot remove a damaged repository", {{"path", entry->path().string()}, {"reason", failed.message()}});
  }
}

void Repository::consolidate_packs(std::size_t limit, const std::vector<git::Oid>& needed, std::stop_token stop) {
  try {
    auto small = packs_to_consolidate(git_directory_, limit);
    const PackUse use = pack_use(git_directory_);
    const bool has_grown = use.packs > 1 && use.bytes > 2 * pruned_bytes_ + growth_margin;
    if (small.empty() && !has_grown) return;
    pruned_bytes_ = use.bytes;  // whatever comes of it: not with each push
    rewrite_packs(std::move(small), needed, std::move(stop));
    pruned_bytes_ = pack_use(git_directory_).bytes;
  } catch (const std::exception& error) {
    log_->warning("cannot consolidate packs; they stay as they are", {{"reason", error.what()}});
  }
}

void Repository::rewrite_packs(std::vector<fs::path> small, const std::vector<git::Oid>& needed, std::stop_token stop) {
  std::optional<git::ObjectStore> store;
  std::optional<Reachable> reachable;
  try {
    if (!is_being_replaced()) {
      store.emplace(git_directory_);
      auto roots = named_objects(get());
      const auto is_here = [&](const git::Oid& object) { return store->contains(object); };
      std::ranges::copy_if(needed, std::back_inserter(roots), is_here);
      std::ranges::copy_if(checked_out(git_directory_), std::back_inserter(roots), is_here);
      reachable.emplace(*store, std::move(stop));
      reachable->add(roots);
      const bool is_local = RemoteUrl::parse(url_).transport == RemoteUrl::Transport::local;
      small = with_prunable_packs(git_directory_, small, *store, *reachable, is_local ? Completeness::commits_and_trees : Completeness::commits);
    }
  } catch (const git::Error& unknown) {
    log_->debug("every object stays", {{"path", git_directory_.string()}, {"reason", unknown.what()}});
    reachable.reset();
  }
  if (small.empty()) return;
  // The commits that HEAD once named may go, and `git fsck` calls that damage.
  if (reachable) git::check(git_reflog_delete(get(), "HEAD"), "remove the reflog of HEAD");
  const std::size_t objects = write_one_pack(git_directory_, small, reachable ? &*reachable : nullptr);
  handle_ = open_handle(git_directory_);
  log_->debug("consolidated packs", {{"packs", small.size()}, {"objects", objects}});
}

}  // namespace tidemark::sync
