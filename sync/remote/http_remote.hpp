// A repository behind http(s) (gitprotocol-http(5)): its two requests, with redirects and log-in, and in words what is wrong with an answer.
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "daemon/http_stream.hpp"
#include "daemon/http_url.hpp"
#include "sync/remote/http_logins.hpp"

namespace tidemark::sync {

enum class GitProtocol { v0, v2 };

class HttpRemote {
 public:
  // `url` has no user; `named` is what people know it as in what they are told to check; `own` is for its host and goes before `logins`. Throws
  // ConfigError for what is no URL of http(s).
  HttpRemote(HttpStream& http, HttpLogins& logins, const std::string& url, std::string named = "--repo", std::optional<HttpLogin> own = {});

  // GET info/refs, to read(). Redirects are followed, not from https to http, and lead ask_upload_pack too; a password goes along to no other host.
  // Permanent ones are remembered until something fails. Both throw TransientError in a sentence for people.
  void ask_for_refs(GitProtocol protocol, const std::stop_token& stop);
  // POST git-upload-pack, to read().
  void ask_upload_pack(std::string body, GitProtocol protocol, const std::stop_token& stop);

  std::size_t read(char* into, std::size_t size, const std::stop_token& stop) { return http_.read(into, size, stop); }
  std::string read_some(const std::stop_token& stop);  // "" at the end
  void end() noexcept { http_.end(); }
  // Whether ask_upload_pack may be repeated without asking for the refs again: nothing redirected but for good.
  bool is_settled() const { return is_settled_; }
  void forget_redirects();

 private:
  HttpHead begin(const HttpStreamRequest& request, const std::stop_token& stop);
  HttpHead exchange(HttpStreamRequest request, const HttpUrl& url, const std::stop_token& stop);
  std::optional<HttpLogins::Login> login_for(const HttpUrl& url, HttpLogins::Freshness freshness, const std::stop_token& stop);
  void follow(HttpUrl& url, const HttpHead& head) const;
  std::string meaning_of(int status) const;
  void check(const HttpHead& head, const HttpUrl& url, std::string_view type, const std::stop_token& stop);
  std::string words(const HttpHead& head, const std::stop_token& stop);

  HttpStream& http_;
  HttpLogins& logins_;
  const std::string named_;
  const std::string origin_;
  const std::optional<HttpLogin> own_;
  std::string place_;  // where redirects led; without a '/' at its end
  bool is_settled_ = true;
};

}  // namespace tidemark::sync
