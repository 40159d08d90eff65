// The state of one index while this process holds its lease: what it says, and how many operations it will have to count.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/index_protocol.hpp"

namespace tidemark::ingest::elasticsearch {

// Another agent has written the state: this one must not write any more.
class Fenced : public TransientError {
 public:
  using TransientError::TransientError;
};

// Safe from every thread; writes wait for each other. A write whose answer was lost is looked for before the next one: each carries one renewal more than
// the one before, which tells ours from every other.
class HeldState {
 public:
  // `stored` was written by us, or is conditionally replaced by the first write().
  HeldState(IndexProtocol& protocol, std::string physical, std::string private_alias, std::optional<StoredState> stored);

  const std::string& physical() const { return physical_; }
  std::string private_alias() const;
  void use_private_alias(std::string alias);

  StateDocument document() const;  // as last written
  // What the index will have counted when all that was acknowledged is in.
  std::int64_t operations() const;
  void count(std::int64_t acknowledged);

  // Writes the state as `change` makes it, with operations, renewal and intent set. Throws Fenced, or TransientError when it is not known whether it was written.
  void write(const std::function<void(StateDocument&)>& change);
  // The same for an intent, after which what was counted before it no longer matters: `counted` says how many operations the index had seen then.
  void write_intent(const std::function<void(StateDocument&)>& change, const std::function<std::int64_t(const StoredState&)>& counted);
  // The write that ends a run: from now on the index is as its checkpoint says.
  void write_checkpoint(const std::function<void(StateDocument&)>& change);

  // From the first operation of a run until its checkpoint every write, a renewal above all, says that a run has not ended: else a renewal would count the
  // operations of half a run, and the check would hold over it.
  void begin_run();
  bool unfinished() const;

  // Runs `look` while nothing is written from here.
  template <typename Look>
  auto while_still(const Look& look) {
    const std::lock_guard writing(writing_);
    return look();
  }

  // Ends the lease, by one request of `last`: the next agent need not wait. Does not throw; nothing may be written afterwards.
  void give_back(IndexProtocol& last);

  bool fenced() const { return lost_.stop_requested(); }
  std::stop_token lost() const { return lost_.get_token(); }  // stops when fenced
  void fence() { lost_.request_stop(); }

 private:
  void write_now(const std::function<void(StateDocument&)>& change);
  Written try_to_write(const std::function<void(StateDocument&)>& change);
  void find_lost_write();

  IndexProtocol& protocol_;
  const std::string physical_;
  std::mutex writing_;          // one write at a time; held during requests; guards unsure_
  bool unsure_ = false;         // a write's answer was lost
  mutable std::mutex mutex_;    // guards what follows; never held during requests
  std::string private_alias_;
  std::optional<StoredState> stored_;
  std::int64_t known_ = 0;    // operations up to and with the last write
  std::int64_t pending_ = 0;  // acknowledged since
  bool unfinished_ = false;
  std::string holder_;          // of the last write that was tried
  std::int64_t attempted_ = 0;  // its renewals
  std::stop_source lost_;
};

}  // namespace tidemark::ingest::elasticsearch
