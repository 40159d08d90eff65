// A remote's refs as its answers list them: protocol v2's capabilities and ls-refs (gitprotocol-v2(5)), or the advertisement of v0 and v1
// (gitprotocol-pack(5)). Pure. Of all that a server lists only the refs that are asked for are kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "git/oid.hpp"
#include "sync/remote/pkt_line.hpp"

namespace tidemark::sync {

// What the remote says a ref is.
struct RemoteRef {
  std::string name;  // "refs/heads/main", "refs/tags/v1", "" for a bare hash
  git::Oid oid;      // a commit, or an annotated tag before it is peeled
  bool operator==(const RemoteRef&) const = default;
};

// What `ref` may be called, the best first, as git rev-parse looks for it.
inline std::vector<std::string> ref_names(const std::string& ref) { return {ref, "refs/" + ref, "refs/tags/" + ref, "refs/heads/" + ref}; }

// The answer to GET info/refs?service=git-upload-pack with `Git-Protocol: version=2`.
class Advertisement {
 public:
  // Of a server that does not speak v2, those of `names` are kept.
  explicit Advertisement(std::vector<std::string> names) : names_(std::move(names)) {}

  // Throws ProtocolError: for what is none, for more than 256 MiB, and for a repository with other hashes than SHA-1.
  void feed(std::string_view bytes);
  bool is_complete() const { return state_ == State::complete; }

  bool is_v2() const { return is_v2_; }
  bool can_be_shallow() const { return can_be_shallow_; }       // with v2
  const std::vector<RemoteRef>& refs() const { return refs_; }  // without v2

 private:
  enum class State { start, after_service, capabilities, refs, complete };
  void take(const PktLine& line);
  void take_first(std::string_view text);
  void take_capability(std::string_view text);
  void take_ref(std::string_view text);

  std::vector<std::string> names_;
  PktLineReader lines_;
  State state_ = State::start;
  bool is_v2_ = false;
  bool has_ls_refs_ = false;
  bool can_be_shallow_ = false;
  bool is_service_flushed_ = false;
  std::vector<RemoteRef> refs_;
  std::size_t bytes_ = 0;
};

// The body of a POST to git-upload-pack that asks for `names`.
std::string ls_refs_request(const std::vector<std::string>& names);

// Its answer. The server may list all that begins with one of the names.
class LsRefsAnswer {
 public:
  explicit LsRefsAnswer(std::vector<std::string> names) : names_(std::move(names)) {}

  // As with Advertisement.
  void feed(std::string_view bytes);
  bool is_complete() const { return is_complete_; }
  const std::vector<RemoteRef>& refs() const { return refs_; }

 private:
  std::vector<std::string> names_;
  PktLineReader lines_;
  bool is_complete_ = false;
  std::vector<RemoteRef> refs_;
  std::size_t bytes_ = 0;
};

// What a server of v0 would list if it had these refs alone: for libgit2, which speaks no v2. The capabilities are those that every server with v2
// has in v0 too.
std::string v0_advertisement(const std::vector<RemoteRef>& refs, bool can_be_shallow);

}  // namespace tidemark::sync
