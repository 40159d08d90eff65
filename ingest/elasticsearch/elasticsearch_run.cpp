#include "ingest/elasticsearch/elasticsearch_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

// A run of so few operations refreshes with its bulk: one request less until it is searchable.
constexpr std::int64_t refreshed_at_once = 100;
constexpr std::size_t strangers_in_a_bulk = 500;
// Of their paths, in the state, which is written with every renewal of the lease.
constexpr std::size_t max_refused_bytes = 1024 * 1024;

}  // namespace

ElasticsearchRun::ElasticsearchRun(RunContext context, RunStart start)
    : context_(std::move(context)),
      start_(std::move(start)),
      encoder_({.source = start_.source.name, .origin = start_.source.origin, .ref = ""}, start_.generation),
      on_stop_(context_.stop, [this] { stop_.request_stop(); }),
      on_loss_(context_.state->lost(), [this] { stop_.request_stop(); }) {
  for (const auto& entry : context_.state->document().refused) refused_before_.insert(entry.key);
}

ElasticsearchRun::~ElasticsearchRun() {
  if (committed_ || start_.mode != Mode::rebuild) return;
  context_.leases.let_go(context_.state);
  context_.state->fence();
  try {
    if (context_.protocol.condemn(context_.state->physical())) context_.protocol.delete_index(context_.state->physical());
  } catch (const std::exception&) {
    // The cluster is not to be reached: the index stands still and is condemned by a later look.
  }
}

BulkSender::Outcome ElasticsearchRun::send(const EncodedBulk& bulk) {
  const bool at_once = start_.planned >= 0 && start_.planned <= refreshed_at_once;
  if (!at_once) refreshed_ = false;
  context_.state->begin_run();
  try {
    auto outcome = context_.sender.send(bulk, context_.state->private_alias(), at_once ? Refresh::now : Refresh::no, stop_.get_token());
    context_.state->count(outcome.counted);
    if (!outcome.certain) countable_ = false;
    return outcome;
  } catch (const TransientError&) {
    if (context_.state->fenced()) throw Fenced("another agent has taken the lease on " + context_.state->physical());
    throw;
  }
}

std::vector<Settled> ElasticsearchRun::apply(std::span<const Operation> operations) {
  std::vector<Settled> settled(operations.size());
  std::vector<std::size_t> sent;
  EncodedBulk bulk = take_buffer();
  touch(operations);
  for (std::size_t at = 0; at < operations.size(); ++at) {
    try {
      encoder_.append(bulk, operations[at]);
      sent.push_back(at);
    } catch (const std::invalid_argument& error) {
      settled[at] = refused(operations[at], error.what());
    }
  }
  if (sent.empty()) return settled;
  if (std::ranges::any_of(operations, [](const Operation& each) { return std::holds_alternative<Quarantined>(each); })) countable_ = false;
  const auto outcome = send(bulk);
  give_back(std::move(bulk));
  for (std::size_t i = 0; i < sent.size(); ++i) settled[sent[i]] = settle(operations[sent[i]], outcome.items.at(i));
  return settled;
}

// A new one of that size is new pages from the kernel, over and over while it grows: a tenth of a first index's CPU.
EncodedBulk ElasticsearchRun::take_buffer() {
  const std::lock_guard lock(mutex_);
  if (buffers_.empty()) return {};
  EncodedBulk bulk = std::move(buffers_.back());
  buffers_.pop_back();
  return bulk;
}

void ElasticsearchRun::give_back(EncodedBulk bulk) {
  bulk.body.clear();
  bulk.operations.clear();
  const std::lock_guard lock(mutex_);
  buffers_.push_back(std::move(bulk));
}

void ElasticsearchRun::touch(std::span<const Operation> operations) {
  if (refused_before_.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const auto& operation : operations) {
    if (refused_before_.contains(key_of(operation))) touched_.insert(key_of(operation));
  }
}

Settled ElasticsearchRun::settle(const Operation& operation, const BulkItem& item) {
  if (item.verdict == ItemVerdict::conflict) meet_conflict(item);
  if (item.verdict == ItemVerdict::applied) {
    made_ += item.created ? 1 : 0;
    made_ -= item.deleted ? 1 : 0;
    return {};
  }
  if (item.verdict != ItemVerdict::document_refused) throw TransientError(item.reason);
  return refused(operation, item.reason);
}

Settled ElasticsearchRun::refused(const Operation& operation, const std::string& reason) {
  if (const auto* stub = std::get_if<Quarantined>(&operation)) {
    keep_refused(*stub, reason);
    return {};
  }
  if (std::holds_alternative<Removal>(operation)) throw StalledError("the cluster refused to delete a document: " + reason);
  return {.outcome = Settled::Outcome::refused, .reason = reason};
}

// Never a success: either this writer is fenced, or somebody wrote the document with a version beyond our generation.
void ElasticsearchRun::meet_conflict(const BulkItem& item) {
  const auto& physical = context_.state->physical();
  const auto found = context_.protocol.read_state(physical).stored;
  if (!found || found->document.lease.holder != context_.state->document().lease.holder) {
    context_.state->fence();
    throw Fenced(found ? fmt::format("another agent, {}, has taken the lease on {}", found->document.lease.holder_name, physical)
                       : fmt::format("the state of {} is gone", physical));
  }
  context_.tampered();
  throw TransientError(fmt::format("somebody wrote to {} with versions beyond ours; it will be filled anew: {}", physical, item.reason));
}

// Those that this run refused, and in a diff the older ones that it did not touch.
std::vector<Quarantined> ElasticsearchRun::refused_after(const std::vector<Quarantined>& before) {
  const std::lock_guard lock(mutex_);
  auto after = refused_;
  if (start_.mode != Mode::diff) return after;
  for (const auto& old : before) {
    if (!touched_.contains(old.key) && after.size() < max_refused) after.push_back(old);
  }
  return after;
}

// The entry of a file whose very stub was refused stands in the state.
void ElasticsearchRun::keep_refused(const Quarantined& stub, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  refused_bytes_ += stub.key.path.size();
  if (refused_.size() >= max_refused || refused_bytes_ > max_refused_bytes) {
    throw StalledError("more documents are refused together with the stubs that stand for them than the state has room for, the latest: " + reason);
  }
  auto entry = stub;
  entry.reason += " (and the stub: " + reason + ")";
  refused_.push_back(std::move(entry));
}

void ElasticsearchRun::remove_strangers() {
  const auto strangers = context_.strangers();
  for (std::size_t begin = 0; begin < strangers.size(); begin += strangers_in_a_bulk) {
    EncodedBulk bulk;
    for (std::size_t at = begin; at < std::min(strangers.size(), begin + strangers_in_a_bulk); ++at) encoder_.append_removal(bulk, strangers[at]);
    for (const auto& item : send(bulk).items) {
      if (item.verdict == ItemVerdict::conflict) meet_conflict(item);
    }
  }
}

void ElasticsearchRun::commit(const Checkpoint& checkpoint) {
  auto& protocol = context_.protocol;
  auto& state = *context_.state;
  if (start_.mode == Mode::audit) remove_strangers();
  if (start_.mode == Mode::rebuild) protocol.serve(state.physical(), context_.choice);
  if (!refreshed_ || start_.mode == Mode::rebuild) protocol.refresh(state.physical());
  const auto counts = this->counts();
  if (start_.mode == Mode::rebuild && counts.documents + counts.quarantined != made_) {
    throw TransientError(fmt::format("{} holds {} documents and stubs after {} were made", state.physical(), counts.documents + counts.quarantined, made_.load()));
  }
  // A diff follows a check, which has compared the shards' history.
  const auto shards = start_.mode == Mode::diff ? ShardFacts{} : protocol.shard_facts(state.physical());
  state.write_checkpoint([&](StateDocument& document) {
    document.state.source = start_.source;
    document.state.generation = start_.generation;
    document.state.checkpoint = checkpoint;
    if (shards.complete) document.history = shards.history;
    document.refused = refused_after(document.refused);
  });
  if (start_.mode == Mode::rebuild) finish_fill();
  committed_ = true;
  context_.committed(counts);
}

// By what the items said, or by a request: a document may have replaced a stub.
IndexProtocol::Counts ElasticsearchRun::counts() {
  const auto& before = context_.before;
  if (start_.mode == Mode::diff && countable_ && before && before->quarantined == 0) return {.documents = before->documents + made_, .quarantined = 0};
  return context_.protocol.count(context_.state->physical());
}

void ElasticsearchRun::finish_fill() {
  const auto& physical = context_.state->physical();
  context_.state->while_still([&] {
    if (!context_.protocol.swap(physical)) throw TransientError(physical + " was condemned by another agent before it was finished");
    context_.state->use_private_alias(IndexNames::write_alias(physical));
  });
}

}  // namespace tidemark::ingest::elasticsearch
