// What refs of a repository behind http(s) point to, cheaply: protocol v2's ls-refs, one request on the kept connection once the server has said that
// it speaks it; otherwise v0's listing. The disk is not touched.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "sync/remote/http_remote.hpp"
#include "sync/remote/ref_listing.hpp"

namespace tidemark::sync {

class RefPoll {
 public:
  explicit RefPoll(HttpRemote& remote) : remote_(remote) {}

  // Those of `names` that are there. Throws TransientError.
  std::vector<RemoteRef> find(const std::vector<std::string>& names, const std::stop_token& stop);

  // With a server that speaks v2, what it found last as libgit2 would be told of it: saves the listing of all refs.
  std::optional<std::string> as_v0() const;

 private:
  template <typename Work>
  std::vector<RemoteRef> guarded(Work work);
  std::vector<RemoteRef> ask(const std::vector<std::string>& names, const std::stop_token& stop);
  std::vector<RemoteRef> list(const std::vector<std::string>& names, const std::stop_token& stop);

  HttpRemote& remote_;
  bool knows_v2_ = false;
  bool can_be_shallow_ = false;
  std::vector<RemoteRef> found_;
};

}  // namespace tidemark::sync
