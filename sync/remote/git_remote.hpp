// One remote through libgit2: its refs and its objects, over file, git, http(s) and ssh. What to fetch is decided by the Fetcher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "git/libgit2.hpp"
#include "sync/remote/credentials.hpp"
#include "sync/remote/network.hpp"
#include "sync/remote/ref_listing.hpp"
#include "sync/remote/remote_message.hpp"
#include "sync/repository/repository.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

struct HttpStack;

// Whether this libgit2 can fetch a part of the history (1.7 on).
bool can_fetch_shallow();

class GitRemote {
 public:
  using Heads = std::vector<RemoteRef>;

  // `named`: what people know `url` as. `network` and `repository` must live longer.
  GitRemote(const SyncSettings& settings, const RemoteUrl& url, std::string named, Network& network, Repository& repository);
  ~GitRemote();
  GitRemote(const GitRemote&) = delete;
  GitRemote& operator=(const GitRemote&) = delete;

  // Runs `work`, which may use what is below, so that `stop` and the sync timeout end it, and makes every failure of it a TransientError that begins
  // with `action` and says what to check; then nothing is connected.
  void attempt(const std::string& action, std::stop_token stop, const std::function<void()>& work);

  // All refs. Throws git::Error.
  Heads connect();
  void disconnect() { remote_.reset(); }
  bool is_connected() const { return remote_ != nullptr; }
  // Over the connection. `depth`: of the history, 0 = all. Throws git::Error.
  void download(const std::vector<std::string>& refspecs, std::int64_t depth);

  bool is_interrupted() const { return network_.connections.interruption() != Connections::Interruption::none; }
  std::stop_token token() const { return network_.connections.token(); }
  const RemoteUrl& url() const { return credentials_.remote(); }
  HttpStack* http() const { return http_.get(); }  // of a remote over http(s)

 private:
  struct Callbacks;
  [[noreturn]] void fail(const std::string& action, const std::string& reason);

  const SyncSettings& settings_;
  const std::string named_;
  Network& network_;
  Repository& repository_;
  Credentials credentials_;
  std::unique_ptr<HttpStack> http_;
  git::RemoteHandle remote_;  // while connected
  RemoteMessage remote_message_;
  std::size_t received_bytes_ = 0;  // of the present download, as far as told
};

}  // namespace tidemark::sync
