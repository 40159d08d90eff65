// All that a fetcher has for a remote over http(s): its poll and libgit2's fetch share a stream, and with it the connection and what was learned
// about the server.
#pragma once

#include <string>
#include <utility>

#include "daemon/http_stream.hpp"
#include "sync/connections.hpp"
#include "sync/http_logins.hpp"
#include "sync/http_remote.hpp"
#include "sync/ref_poll.hpp"
#include "sync/remote_calls.hpp"
#include "sync/settings.hpp"
#include "sync/smart_http.hpp"

namespace tidemark::sync {

struct HttpStack {
  // Requests end with the present attempt of `connections`, and tell it of their problems.
  HttpStack(const SyncSettings& settings, const std::string& url, Connections& connections, RemoteCalls calls)
      : stream(stream_settings(settings)),
        logins(settings, std::move(calls)),
        remote(stream, logins, url),
        poll(remote),
        smart(
            remote, [&connections] { return connections.token(); }, [&connections](const std::string& problem) { connections.fail(problem); }) {}

  HttpStream stream;
  HttpLogins logins;
  HttpRemote remote;
  RefPoll poll;
  SmartHttp smart;

 private:
  static HttpStreamSettings stream_settings(const SyncSettings& settings) {
    // Servers tell git from browsers by the beginning of its name.
    return {.tls = {settings.ca_file, settings.client_cert_file, settings.client_key_file},
            .user_agent = "git/2.0 (tidemark-sync)",
            .cookie_file = settings.cookie_file};
  }
};

}  // namespace tidemark::sync
