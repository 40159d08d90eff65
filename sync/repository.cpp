#include "sync/repository.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "git/object_database.hpp"
#include "sync/leftovers.hpp"
#include "sync/packs.hpp"
#include "sync/remote_url.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view revisions_prefix = "refs/tidemark/revisions/";
constexpr std::string_view damaged_prefix = ".git.damaged-";

std::string random_suffix() {
  std::random_device random;
  return std::to_string(random()) + std::to_string(random());
}

git::RepositoryHandle open_handle(const fs::path& git_directory) {
  git_repository* repository = nullptr;
  git::check(git_repository_open(&repository, git_directory.c_str()), "open " + git_directory.string());
  git::RepositoryHandle handle(repository);
  git::check(git_repository_set_odb(repository, git::open_database(git_directory / "objects").get()), "open the objects of " + git_directory.string());
  return handle;
}

void remove_damaged(const fs::path& root, Log& log) {
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(damaged_prefix)) continue;
    std::error_code failed;
    fs::remove_all(entry->path(), failed);
    if (failed) log.warning("cannot remove a damaged repository", {{"path", entry->path().string()}, {"reason", failed.message()}});
  }
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

Repository::Repository(fs::path root, const std::string& url, Log& log) : root_(std::move(root)), url_(RemoteUrl::parse(url).url), log_(&log) {
  std::error_code error;
  fs::create_directories(root_, error);
  if (error) throw TransientError("make " + root_.string() + ": " + error.message() + "; --root has to be a folder that can be written");
  root_ = fs::canonical(root_, error);
  if (error) throw TransientError("open " + root_.string() + ": " + error.message());
  git_directory_ = root_ / ".git";
  open();
  set_origin();
}

void Repository::start_afresh(const std::string& why) {
  if (fs::symlink_status(git_directory_).type() != fs::file_type::not_found) set_aside(why);
  initialise();
  set_origin();
}

void Repository::open() {
  if (fs::symlink_status(git_directory_).type() == fs::file_type::not_found) {
    initialise();
  } else {
    remove_leftovers(git_directory_, *log_);
    try {
      handle_ = open_handle(git_directory_);
      if (git_repository_is_bare(get())) throw git::Error("it is bare");
      const git::ObjectStore readable(git_directory_);
    } catch (const git::Error& broken) {
      set_aside(broken.what());
      initialise();
    }
  }
}

// In the configuration itself: libgit2 1.5 leaks whenever it makes or looks up a named remote (see Fetcher::connect).
void Repository::set_origin() {
  git_config* opened = nullptr;
  git::check(git_repository_config(&opened, get()), "read the configuration of " + git_directory_.string());
  const std::unique_ptr<git_config, git::Freed<git_config_free>> config(opened);
  git_buf url = {};
  const bool found = git_config_get_string_buf(&url, opened, "remote.origin.url") == 0;
  const bool same = found && url_ == url.ptr;
  git_buf_dispose(&url);
  if (same) return;
  git::check(git_config_set_string(opened, "remote.origin.url", url_.c_str()), "set the URL of origin");
  git::check(git_config_set_string(opened, "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"), "set what origin fetches");
}

void Repository::set_aside(const std::string& why) {
  handle_.reset();
  const fs::path aside = root_ / (std::string(damaged_prefix) + random_suffix());
  log_->error("the repository is unusable; it is set aside and cloned again", {{"path", git_directory_.string()}, {"aside", aside.string()}, {"reason", why}});
  std::error_code error;
  fs::rename(git_directory_, aside, error);
  if (error) throw TransientError("move " + git_directory_.string() + " aside: " + error.message() + "; check that --root can be written");
}

void Repository::initialise() {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_MKPATH;
  options.initial_head = "tidemark";
  // In another folder first, so that a killed process leaves no half of a repository under the real name.
  const fs::path making = root_ / (std::string(damaged_prefix) + random_suffix());
  git_repository* repository = nullptr;
  const int code = git_repository_init_ext(&repository, making.c_str(), &options);
  const git::RepositoryHandle made(repository);
  std::error_code error;
  if (code >= 0) fs::rename(making / ".git", git_directory_, error);
  const std::string reason = code < 0 ? git::last_error() : error ? error.message() : "";
  std::error_code ignored;
  fs::remove_all(making, ignored);
  if (!reason.empty()) throw TransientError("make a repository in " + root_.string() + ": " + reason + "; check that --root can be written and is not full");
  handle_ = open_handle(git_directory_);
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
  remove_damaged(root_, *log_);
}

void Repository::consolidate_packs(std::size_t limit) {
  try {
    const auto small = packs_to_consolidate(git_directory_, limit);
    if (small.empty()) return;
    const std::size_t objects = write_one_pack(git_directory_, small);
    handle_ = open_handle(git_directory_);
    log_->debug("consolidated packs", {{"packs", small.size()}, {"objects", objects}});
  } catch (const std::exception& error) {
    log_->warning("cannot consolidate packs; they stay as they are", {{"reason", error.what()}});
  }
}

}  // namespace tidemark::sync
