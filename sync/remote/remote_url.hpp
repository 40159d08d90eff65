// What --repo or a submodule names: a URL without its secret, what stood in it about who we are, and how it is reached. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::sync {

struct RemoteUrl {
  enum class Transport { local, git, http, ssh };

  Transport transport = Transport::local;
  std::string url;   // for libgit2 and for people: without a password, and for http without a user
  std::string path;  // of a local remote
  std::string host;  // of the others
  int port = 0;      // the URL's or the protocol's
  std::optional<std::string> user;
  std::optional<std::string> password;

  // "https://user:secret@host/x", "ssh://git@host:22/x", "git@host:x" (scp's form), "git://host/x", "file:///x", "/x", "./x". Throws ConfigError for
  // other schemes, naming those that there are; `named` is what people know the URL as.
  static RemoteUrl parse(std::string_view text, std::string_view named = "--repo");
};

}  // namespace tidemark::sync
