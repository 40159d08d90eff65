// Who we are to http(s) remotes, by their URLs: user and password from --repo's URL, --username, --credential, --askpass-url or a GitHub App. Never
// logged.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "daemon/http_stream.hpp"
#include "daemon/http_url.hpp"
#include "sync/remote/askpass.hpp"
#include "sync/remote/github_app.hpp"
#include "sync/remote/remote_calls.hpp"
#include "sync/remote/secret_file.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

class HttpLogins {
 public:
  // Throws ConfigError for a --repo that can't be read.
  explicit HttpLogins(const SyncSettings& settings, RemoteCalls calls = {});

  struct Login {
    HttpLogin login;
    std::string source;  // what to look at when it is refused: "--password-file"
    std::string user;    // as it may be told
  };
  enum class Freshness { cached, fresh };
  // What is for `url`: of the entries for its scheme, host and port the one whose path is the longest beginning of the URL's (else the last: a
  // password is for its host), and what is for http is for https of the same host too. Nothing when there is none. Files are read again when they
  // have changed, and all is asked for again when it has to be fresh. Throws TransientError.
  std::optional<Login> find(const HttpUrl& url, Freshness freshness, const std::stop_token& stop);

  // The server of `url` knows the login that it got and forbids the request. Some say so when a password has expired: what was answered to us is
  // asked for again the next time.
  void forbidden(const HttpUrl& url);

  // What to do when there is none for `url`, and when the server refuses `login`.
  std::string advice(const HttpUrl& url) const;
  static std::string refusal(const HttpUrl& url, const Login& login);

  // Whether the server of `url` has asked for a login before: then it is sent at once.
  bool is_asked_for(const HttpUrl& url) const;
  void asked_for(const HttpUrl& url);

 private:
  struct Entry {
    HttpUrl url;
    std::string user;
    std::variant<std::string, SecretFile, Askpass*, GithubApp*> password;
    std::string source;
    std::string told_user;
  };
  void add(const HttpUrl& url, const std::string& user, const std::string& password, const std::string& password_file, const std::string& source);
  Entry* entry_for(const HttpUrl& url);

  std::unique_ptr<Askpass> askpass_;
  std::unique_ptr<GithubApp> github_app_;
  std::optional<HttpUrl> repo_;
  std::vector<Entry> entries_;
  std::set<std::string> asked_;  // origins
};

}  // namespace tidemark::sync
