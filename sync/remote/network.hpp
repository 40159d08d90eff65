// What the fetchers of one process share: the sockets that a time-out shuts, the connections to http servers that are kept, and who we are to those.
#pragma once

#include <filesystem>

#include "daemon/http_stream.hpp"
#include "sync/alarm.hpp"
#include "sync/remote/connections.hpp"
#include "sync/remote/http_logins.hpp"
#include "sync/remote/remote_calls.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

struct Network {
  // Before other threads are started, as libgit2 before 1.7 takes the home directory from the environment. Throws ConfigError for a --repo that can't
  // be read.
  explicit Network(const SyncSettings& settings, RemoteCalls calls = {});

  const RemoteCalls calls;
  Alarm alarm;  // its thread reads no environment
  Connections connections;
  HttpStream stream;
  HttpLogins logins;
  const std::filesystem::path home;  // libgit2 looks for .ssh/known_hosts below it
};

}  // namespace tidemark::sync
