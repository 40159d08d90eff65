#include "sync/remote/network.hpp"

#include <stdlib.h>

#include <utility>

#include "git/libgit2.hpp"

namespace tidemark::sync {

namespace {

#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7
void set_home(const char* home) { git::check(git_libgit2_opts(GIT_OPT_SET_HOMEDIR, home), "set the home directory of libgit2"); }
#else
void set_home(const char* home) { setenv("HOME", home, 1); }
#endif

HttpStreamSettings stream_settings(const SyncSettings& settings) {
  // Servers tell git from browsers by the beginning of its name.
  return {.tls = {settings.ca_file, settings.client_cert_file, settings.client_key_file},
          .user_agent = "git/2.0 (tidemark-sync)",
          .cookie_file = settings.cookie_file};
}

}  // namespace

Network::Network(const SyncSettings& settings, RemoteCalls to_call)
    : calls(std::move(to_call)),
      stream(stream_settings(settings)),
      logins(settings, calls),
      home(std::filesystem::absolute(settings.root) / ".git" / "tidemark-home") {
  set_home(home.c_str());
}

}  // namespace tidemark::sync
