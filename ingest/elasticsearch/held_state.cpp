#include "ingest/elasticsearch/held_state.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace tidemark::ingest::elasticsearch {

namespace {

// How often a write whose answer was lost is tried before the next request may.
constexpr int write_tries = 3;

}  // namespace

HeldState::HeldState(IndexProtocol& protocol, std::string physical, std::string private_alias, std::optional<StoredState> stored)
    : protocol_(protocol), physical_(std::move(physical)), private_alias_(std::move(private_alias)), stored_(std::move(stored)) {
  if (!stored_) return;
  known_ = stored_->document.state.operations;
  unfinished_ = stored_->document.state.intent_open;
}

std::string HeldState::private_alias() const {
  const std::lock_guard lock(mutex_);
  return private_alias_;
}

void HeldState::use_private_alias(std::string alias) {
  const std::lock_guard lock(mutex_);
  private_alias_ = std::move(alias);
}

StateDocument HeldState::document() const {
  const std::lock_guard lock(mutex_);
  return stored_ ? stored_->document : StateDocument{};
}

std::int64_t HeldState::operations() const {
  const std::lock_guard lock(mutex_);
  return known_ + pending_;
}

void HeldState::count(std::int64_t acknowledged) {
  const std::lock_guard lock(mutex_);
  pending_ += acknowledged;
}

void HeldState::begin_run() {
  const std::lock_guard lock(mutex_);
  unfinished_ = true;
}

bool HeldState::unfinished() const {
  const std::lock_guard lock(mutex_);
  return unfinished_;
}

void HeldState::write(const std::function<void(StateDocument&)>& change) {
  const std::lock_guard writing(writing_);
  write_now(change);
}

void HeldState::write_intent(const std::function<void(StateDocument&)>& change, const std::function<std::int64_t(const StoredState&)>& counted) {
  const std::lock_guard writing(writing_);
  begin_run();
  write_now(change);
  const auto operations = counted(*stored_);
  const std::lock_guard lock(mutex_);
  known_ = operations;
  pending_ = 0;
}

void HeldState::write_checkpoint(const std::function<void(StateDocument&)>& change) {
  const std::lock_guard writing(writing_);
  const auto end = [&](StateDocument& next) {
    change(next);
    next.state.intent_open = false;
  };
  write_now(end);
  const std::lock_guard lock(mutex_);
  unfinished_ = false;
}

void HeldState::give_back(IndexProtocol& last) {
  const std::lock_guard writing(writing_);
  if (fenced() || unsure_ || !stored_) return;
  auto next = *stored_;
  next.document.state.operations = known_ + pending_ + 1;
  next.document.state.intent_open = unfinished_;
  next.document.lease.holder.clear();
  ++next.document.lease.renewals;
  lost_.request_stop();
  try {
    last.write_state(private_alias_, stored_, next);
  } catch (const std::exception&) {
    // Then the next agent waits until the lease has stood still.
  }
}

void HeldState::write_now(const std::function<void(StateDocument&)>& change) {
  for (int tries = 1;; ++tries) {
    if (fenced()) throw Fenced("the lease on " + physical_ + " was lost");
    try {
      if (unsure_) find_lost_write();
      if (try_to_write(change) == Written::yes) return;
      find_lost_write();  // or somebody else's
    } catch (const Fenced&) {
      throw;
    } catch (const TransientError&) {
      unsure_ = true;
      if (tries >= write_tries) throw;
    }
    if (tries >= write_tries) throw TransientError("the state of " + physical_ + " is written by somebody else at the same time");
  }
}

Written HeldState::try_to_write(const std::function<void(StateDocument&)>& change) {
  StoredState next;
  std::optional<StoredState> before;
  std::int64_t included = 0;
  std::string alias;
  {
    const std::lock_guard lock(mutex_);
    before = stored_;
    alias = private_alias_;
    included = pending_;
    if (before) next.document = before->document;
    next.document.state.intent_open = unfinished_;
    change(next.document);
    next.document.state.operations = known_ + included + 1;
    next.document.lease.renewals = (before ? before->document.lease.renewals : 0) + 1;
    holder_ = next.document.lease.holder;
    attempted_ = next.document.lease.renewals;
  }
  if (protocol_.write_state(alias, before, next) == Written::conflict) return Written::conflict;
  const std::lock_guard lock(mutex_);
  known_ = next.document.state.operations;
  pending_ -= included;
  stored_ = std::move(next);
  return Written::yes;
}

// After a lost answer or a conflict: the index still has what we know, or our write arrived and is what the next one builds on, or it is somebody else's.
void HeldState::find_lost_write() {
  const auto found = protocol_.read_state(physical_).stored;
  const std::lock_guard lock(mutex_);
  unsure_ = false;
  if (!found && !stored_) return;
  if (found && stored_ && found->seq_no == stored_->seq_no && found->primary_term == stored_->primary_term) return;
  if (!found || found->document.lease.holder != holder_ || found->document.lease.renewals != attempted_) {
    lost_.request_stop();
    throw Fenced(found ? fmt::format("the state of {} was written by {}", physical_, found->document.lease.holder_name)
                       : fmt::format("the state of {} is gone", physical_));
  }
  pending_ -= found->document.state.operations - known_ - 1;
  known_ = found->document.state.operations;
  stored_ = *found;
}

}  // namespace tidemark::ingest::elasticsearch
