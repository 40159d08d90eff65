// libgit2's http(s) over our own stack: a smart subtransport (git2/sys/transport.h) that sends its two requests through an HttpRemote.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "git/libgit2.hpp"
#include "sync/remote/http_remote.hpp"

namespace tidemark::sync {

class SmartHttp {
 public:
  // `stop` is asked for with each request; `failed` is told, in words, what went wrong before libgit2 is.
  SmartHttp(HttpRemote& remote, std::function<std::stop_token()> stop, std::function<void(const std::string&)> failed);
  SmartHttp(const SmartHttp&) = delete;
  SmartHttp& operator=(const SmartHttp&) = delete;

  // For git_remote_callbacks::transport: a transport for the remote `owner`, which must not outlive this.
  int make_transport(git_transport** out, git_remote* owner);

  // The next time that libgit2 lists the refs it is told this, and the server is not asked.
  void answer_next_listing(std::string advertisement) { prepared_ = std::move(advertisement); }
  void ask_next_listing() { prepared_.reset(); }

 private:
  struct Subtransport;
  struct Stream;
  int fail(const std::exception& error) noexcept;

  HttpRemote& remote_;
  std::function<std::stop_token()> stop_;
  std::function<void(const std::string&)> failed_;
  std::optional<std::string> prepared_;
};

}  // namespace tidemark::sync
