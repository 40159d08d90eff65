// All that a fetcher has for a remote over http(s): its poll and libgit2's fetch share the network's stream, and with it the connection and what was
// learned about the server.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "sync/remote/http_remote.hpp"
#include "sync/remote/network.hpp"
#include "sync/remote/ref_poll.hpp"
#include "sync/remote/remote_url.hpp"
#include "sync/remote/smart_http.hpp"

namespace tidemark::sync {

struct HttpStack {
  // Requests end with the present attempt of the network's connections, and tell it of their problems. `named` and `own`: see HttpRemote.
  HttpStack(const RemoteUrl& url, const std::string& named, std::optional<HttpLogin> own, Network& network)
      : remote(network.stream, network.logins, url.url, named, std::move(own)),
        poll(remote),
        smart(
            remote, [&network] { return network.connections.token(); },
            [&network](const std::string& problem) { network.connections.fail(problem); }) {}

  HttpRemote remote;
  RefPoll poll;
  SmartHttp smart;
};

}  // namespace tidemark::sync
