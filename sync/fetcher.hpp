// The remote: what its ref points to, and getting its objects. libgit2 over file, git, http(s) and ssh.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/log.hpp"
#include "git/libgit2.hpp"
#include "git/oid.hpp"
#include "sync/connections.hpp"
#include "sync/credentials.hpp"
#include "sync/ref_listing.hpp"
#include "sync/remote_calls.hpp"
#include "sync/remote_message.hpp"
#include "sync/repository.hpp"
#include "sync/settings.hpp"

namespace tidemark::sync {

struct HttpStack;

class Fetcher {
 public:
  // Before other threads are started, as libgit2 before 1.7 takes the home directory from the environment. Throws ConfigError for a --repo that can't
  // be read.
  Fetcher(const SyncSettings& settings, Repository& repository, Log& log, RemoteCalls calls = {});
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Over http(s) one small request, else one listing of the remote's refs: no object is transferred, the disk is not touched. `--ref` is looked for
  // as git rev-parse does it: HEAD, a full name, a tag, a branch; a full hash needs no listing. Throws TransientError (network, credentials, a ref
  // that is not there: it may come) naming what to check; StopRequested as TransientError.
  RemoteRef resolve(std::stop_token stop);

  // Brings the objects of `ref` (at --depth where libgit2 can, 1.7 on; in full and said so once otherwise; for a bare hash that the server does not
  // give, all branches and tags) and gives the peeled commit. Goes on with the connection of the resolve before it. When the ref has moved since, its
  // new commit may be what is brought and given. Ends within a second of `stop` or of the sync timeout, and leaves a repository that the next call
  // can use.
  git::Oid fetch(const RemoteRef& ref, std::stop_token stop);

 private:
  struct Callbacks;
  using Heads = std::vector<RemoteRef>;

  template <typename Work>
  auto attempt(const std::string& action, std::stop_token stop, Work work);
  [[noreturn]] void fail(const std::string& action, const std::string& reason);

  Heads connect();
  void disconnect();
  RemoteRef poll();
  RemoteRef find_ref(const Heads& heads) const;
  void copy_local(const git::Oid& oid);
  void download(const std::vector<std::string>& refspecs, std::int64_t depth);
  git::Oid download_ref(const RemoteRef& ref);
  bool download_known(const RemoteRef& ref);
  void download_hash(const git::Oid& oid);
  bool has(const git::Oid& oid) const;
  git::Oid peel(const git::Oid& oid) const;
  void store_ref(const git::Oid& oid);

  SyncSettings settings_;
  Repository& repository_;
  Log& log_;
  Credentials credentials_;
  Connections connections_;
  std::unique_ptr<HttpStack> http_;  // of a remote over http(s)
  git::RemoteHandle remote_;         // while connected
  RemoteMessage remote_message_;
  const RemoteCalls calls_;
  std::size_t received_bytes_ = 0;  // of the present download, as far as told
  bool said_full_ = false;
};

}  // namespace tidemark::sync
