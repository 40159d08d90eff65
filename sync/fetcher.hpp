// The remote: what its ref points to, and getting its objects. libgit2 over file, git, http(s) and ssh.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "daemon/log.hpp"
#include "git/oid.hpp"
#include "sync/credentials.hpp"
#include "sync/repository.hpp"
#include "sync/settings.hpp"

namespace tidemark::sync {

// What the remote says `--ref` is.
struct RemoteRef {
  std::string name;    // "refs/heads/main", "refs/tags/v1", "" for a bare hash
  git::Oid oid;        // a commit, or an annotated tag before it is peeled
};

class Fetcher {
 public:
  Fetcher(const SyncSettings& settings, Repository& repository, Log& log);

  // One listing of the remote's refs: no object is transferred, the disk is not touched. `--ref` is looked for as git rev-parse does it: HEAD, a full name, a tag, a branch; a full hash needs no listing.
  // Throws TransientError (network, credentials, a ref that is not there: it may come) naming what to check; StopRequested as TransientError.
  RemoteRef resolve(std::stop_token stop);

  // Brings the objects of `ref` (at --depth where libgit2 can, 1.7 on; in full and said so once otherwise; for a bare hash that the server does not give, all branches and tags) and gives the peeled commit.
  // Ends within a second of `stop` or of the sync timeout, and leaves a repository that the next call can use.
  git::Oid fetch(const RemoteRef& ref, std::stop_token stop);

 private:
  // the implementer's
};

}  // namespace tidemark::sync
