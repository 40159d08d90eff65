// What a remote's ref points to, and getting its objects into our repository.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "git/oid.hpp"
#include "sync/remote/git_remote.hpp"
#include "sync/remote/network.hpp"
#include "sync/remote/ref_listing.hpp"
#include "sync/repository/repository.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// What is followed: --repo, --ref and --depth, or a submodule's URL and commit.
struct FetchSource {
  std::string url;
  std::string ref;
  std::int64_t depth = 0;
  std::string named = "--repo";        // what people know the URL as
  std::string advice = "check --ref";  // about a commit that is not there
};

class Fetcher {
 public:
  // `settings`, `network` and `repository` must live longer. Throws ConfigError for a URL that can't be read.
  Fetcher(const SyncSettings& settings, FetchSource source, Network& network, Repository& repository, Log& log);

  // Over http(s) one small request, else one listing of the remote's refs: no object is transferred, the disk is not touched. The ref is looked for
  // as git rev-parse does it: HEAD, a full name, a tag, a branch; a full hash needs no listing. Throws TransientError (network, credentials, a ref
  // that is not there: it may come) naming what to check; StopRequested as TransientError.
  RemoteRef resolve(std::stop_token stop);

  // Brings the objects of `ref` (at the source's depth where libgit2 can, 1.7 on; in full and said so once otherwise; for a bare hash that the server
  // does not give, all branches and tags) and gives the peeled commit. Goes on with the connection of the resolve before it. When the ref has moved
  // since, its new commit may be what is brought and given. Ends within a second of `stop` or of the sync timeout, and leaves a repository that the
  // next call can use. A replacement of the repository (Repository::start_afresh) takes its place with this.
  git::Oid fetch(const RemoteRef& ref, std::stop_token stop);

  // The history that is there was fetched at another depth than the source's: a fetch is due, whatever objects there are.
  bool is_due_for_depth() const;

 private:
  using Heads = GitRemote::Heads;

  RemoteRef poll();
  RemoteRef find_ref(const Heads& heads) const;
  git::Oid brought(const RemoteRef& ref);
  bool is_needed(const git::Oid& oid) const;
  void copy_local(const git::Oid& oid);
  void download(const std::vector<std::string>& refspecs, std::int64_t depth);
  git::Oid download_ref(const RemoteRef& ref);
  bool download_known(const RemoteRef& ref);
  void download_hash(const git::Oid& oid);
  bool has(const git::Oid& oid) const;
  git::Oid peel(const git::Oid& oid) const;
  void store_ref(const git::Oid& oid);
  std::int64_t depth_to_have() const;

  const FetchSource source_;
  Repository& repository_;
  Log& log_;
  GitRemote remote_;
  bool said_full_ = false;
};

}  // namespace tidemark::sync
