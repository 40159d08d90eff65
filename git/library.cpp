// libgit2's process-wide settings, in one place.
#include <iterator>

#include "git/libgit2.hpp"
#include "git/object_store.hpp"

namespace tidemark::git {

namespace {

constexpr std::size_t window_bytes = 1024 * 1024;
constexpr std::size_t mapped_bytes = 8 * 1024 * 1024;

constexpr std::size_t open_packs = 64;

template <typename... Arguments>
void set_option(int option, Arguments... arguments) {
  check(git_libgit2_opts(option, arguments...), "set an option of libgit2");
}

}  // namespace

Library::Library(Hashing hashing) {
  check(git_libgit2_init(), "start libgit2");
  set_option(GIT_OPT_SET_MWINDOW_SIZE, window_bytes);
  set_option(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, mapped_bytes);
  // Trees and blobs are read once each; what libgit2 keeps for deltas is bounded by itself.
  set_option(GIT_OPT_ENABLE_CACHING, 0);
  set_option(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, hashing == Hashing::by_libgit2 ? 1 : 0);
  // A volume often belongs to another user than the process; nothing in a repository's config can make libgit2 run a program.
  set_option(GIT_OPT_SET_OWNER_VALIDATION, 0);
  // Descriptors of packs, of which a long-lived store would keep one each.
  set_option(GIT_OPT_SET_MWINDOW_FILE_LIMIT, open_packs);
  // What they ask for concerns writers and working trees; a local remote that has them can be read.
  const char* extensions[] = {"worktreeconfig", "relativeworktrees", "preciousobjects", "partialclone"};
  set_option(GIT_OPT_SET_EXTENSIONS, static_cast<const char**>(extensions), std::size(extensions));
  // The same behaviour for every user: no configuration from /etc or a home directory.
  for (const int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    set_option(GIT_OPT_SET_SEARCH_PATH, level, "");
  }
}

Library::~Library() { git_libgit2_shutdown(); }

std::string Library::version() {
  int major = 0;
  int minor = 0;
  int revision = 0;
  git_libgit2_version(&major, &minor, &revision);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(revision);
}

}  // namespace tidemark::git
