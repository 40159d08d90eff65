// Whether a request is let in: by the name that it calls the server by, the web page that it comes from, and its bearer token.
#pragma once

#include <optional>
#include <string>

#include "daemon/http_server.hpp"

namespace tidemark {

struct AccessQuestion {
  std::optional<std::string> host;           // the Host header, or the authority of an absolute target
  std::optional<std::string> origin;         // the Origin header
  std::optional<std::string> authorization;  // the Authorization header
  std::string local_host;                    // the address that the peer connected to
};

// The refusal (403 `foreign-host` or `foreign-origin`, 401 `unauthorized`), or nothing.
std::optional<HttpResponse> refuse_access(const HttpAccess& access, const ListenAddress& listening, const AccessQuestion& question);

}  // namespace tidemark
