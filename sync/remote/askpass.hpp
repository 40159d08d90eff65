// --askpass-url: asks a local helper for a user and password, as git-sync does: GET, 200, lines of `username=...` and `password=...`.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "daemon/http_client.hpp"
#include "daemon/http_stream.hpp"

namespace tidemark::sync {

class Askpass {
 public:
  // `ca_file`: of an authority besides the system's, or "". `called` is told of each call whether it succeeded.
  Askpass(std::string url, const std::string& ca_file, std::function<void(bool)> called);

  // What it answered last; it is asked when it was not yet, and after forget(). At most a second. Throws TransientError, which never has what it
  // answered.
  const HttpLogin& login(const std::stop_token& stop);
  void forget() { login_.reset(); }

 private:
  HttpLogin ask(const std::stop_token& stop);

  std::string url_;
  std::function<void(bool)> called_;
  HttpClient client_;
  std::optional<HttpLogin> login_;
};

}  // namespace tidemark::sync
