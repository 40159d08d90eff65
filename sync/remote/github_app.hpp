// A GitHub App's installation token, as the password for the repository: asked for by a JWT that the App's key signs.
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "daemon/file_stamp.hpp"
#include "daemon/http_client.hpp"
#include "daemon/http_stream.hpp"
#include "sync/settings/github_app_setting.hpp"

namespace tidemark::sync {

class GithubApp {
 public:
  // `called` is told of each request for a token whether it succeeded.
  GithubApp(GithubAppSetting setting, TlsFiles tls, std::function<void(bool)> called);

  // The token, with the user that goes with it; GitHub is asked when there is none yet, when nine tenths of its life are over, and after forget().
  // Throws TransientError saying what to check, never with the key, the JWT or the token.
  const HttpLogin& login(const std::stop_token& stop);
  void forget() { login_.reset(); }

 private:
  using Clock = std::chrono::steady_clock;

  void ask(const std::stop_token& stop);
  std::string private_key();
  std::string endpoint() const;

  const GithubAppSetting setting_;
  const std::function<void(bool)> called_;
  HttpClient client_;
  std::optional<FileStamp> stamp_;  // of the key that was read
  std::string key_;
  std::optional<HttpLogin> login_;
  Clock::time_point renew_at_{};
};

// `issuer` says who we are to GitHub at `now` (seconds since 1970), for the next nine minutes; a minute back, as clocks differ (RFC 7519, RS256).
// Throws std::invalid_argument for what is no RSA key.
std::string github_app_jwt(const std::string& issuer, const std::string& private_key, std::int64_t now);

}  // namespace tidemark::sync
