#include "ingest/elasticsearch/inspector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

std::string greatest_of(const std::vector<PhysicalIndex>& indexes, const IndexNames& names) {
  std::string greatest;
  std::string unique;
  for (const auto& index : indexes) {
    const auto parts = names.parse(index.name);
    if (!parts || parts->unique <= unique) continue;
    greatest = index.name;
    unique = parts->unique;
  }
  return greatest;
}

}  // namespace

Inspector::Inspector(IndexProtocol& protocol, Holder holder, Log& log) : protocol_(protocol), holder_(std::move(holder)), log_(log) {}

Inspection Inspector::look(const std::string& schema_hash, const std::shared_ptr<HeldState>& held) {
  Inspection found;
  found.around = look_around();
  const auto view = view_of(found.around, protocol_.names());
  if (view.name_taken) {
    throw StalledError(fmt::format("an index has the name {}, which the agent needs as an alias: delete or rename it, or give another --index",
                                   protocol_.names().alias()));
  }
  found.drift = view.drift;
  found.greatest = greatest_of(found.around, protocol_.names());
  const auto fills = look_at_fills(view.fills);
  if (held && (!view.live || held->physical() != view.live->name)) held->fence();
  if (view.live) {
    found.live = view.live->name;
    make_writable(*view.live);
    look_at(found, *view.live, schema_hash, held);
  } else {
    look_without_live(found, fills);
  }
  clear_away(view.dead, fills);
  return found;
}

void Inspector::remember(const std::string& physical, std::int64_t generation, IndexProtocol::Counts counts) {
  counted_ = {.physical = physical, .generation = generation, .counts = counts};
}

// A block of the metadata hides even the blocks.
std::vector<PhysicalIndex> Inspector::look_around() {
  try {
    return protocol_.look();
  } catch (const Blocked& error) {
    log_.warning("removing a block of the index", {{"index", protocol_.names().pattern()}, {"block", "metadata"}, {"reason", error.what()}});
    protocol_.remove_block(protocol_.names().pattern(), "metadata");
    return protocol_.look();
  }
}

// The index is ours and Git's: an operator who wants it to stay as it is stops the agent. The block of a full disk goes when there is room again.
void Inspector::make_writable(const PhysicalIndex& live) {
  if (live.closed) {
    log_.warning("opening the index, which was closed", {{"index", live.name}});
    protocol_.open_index(live.name);
  }
  for (const auto& block : live.blocks) {
    if (block == "read_only_allow_delete") continue;
    log_.warning("removing a block of the index", {{"index", live.name}, {"block", block}});
    protocol_.remove_block(live.name, block);
  }
}

void Inspector::look_at(Inspection& found, const PhysicalIndex& live, const std::string& schema_hash, const std::shared_ptr<HeldState>& held) {
  IndexProtocol::StateAnswer answer;
  ShardFacts shards;
  // Our own renewals between the two would look like somebody else's.
  const auto ask = [&] {
    answer = protocol_.read_state(live.name);
    shards = protocol_.shard_facts(live.name);
  };
  if (held) {
    held->while_still(ask);
  } else {
    ask();
  }
  if (!answer.index_exists) throw TransientError(live.name + " was deleted a moment ago");
  if (!shards.complete) throw TransientError("not every primary shard of " + live.name + " is there: wait for the cluster to recover");

  found.stored = answer.stored;
  look_at_lease(found, held);
  auto& facts = found.facts;
  if (std::max(live.meta->version, answer.schema) > schema_version) {
    facts.schema = Schema::newer;
  } else if (live.meta->version < schema_version || live.meta->schema != schema_hash) {
    facts.schema = Schema::older;
  } else if (found.stored) {
    facts.schema = Schema::ours;
  }
  if (found.stored) check(found, shards, held);
  if (!live.final_pipeline.empty()) {
    // What went through it need not be what was sent, and no version shows that.
    facts.tampered = true;
    facts.check_holds = false;
    facts.check_detail = "somebody set its final_pipeline to " + live.final_pipeline;
  }
  count(found);
}

void Inspector::look_at_lease(Inspection& found, const std::shared_ptr<HeldState>& held) {
  auto& facts = found.facts;
  const Lease lease = found.stored ? found.stored->document.lease : Lease{};
  if (held && !held->fenced() && found.stored && lease.holder == holder_.id) {
    facts.leading = true;
    facts.holder = holder_.name;
    return;
  }
  if (held) held->fence();  // written by others, or restored from a time when it was another's
  facts.leading = false;
  facts.holder = lease.holder_name;
  if (!found.stored) return;  // nobody holds what has no state
  const auto seen = watch_.look(found.live, lease, holder_.duration, LeaseWatch::Clock::now());
  const bool of_former_self = lease.holder == holder_.id;
  facts.writable = seen.vacant || of_former_self;
  facts.vacant = seen.vacant_for;
  facts.vacant_in = facts.writable ? Duration{0} : seen.vacant_in;
  found.stood_still = facts.writable && !lease.holder.empty();
}

void Inspector::check(Inspection& found, const ShardFacts& shards, const std::shared_ptr<HeldState>& held) const {
  auto& facts = found.facts;
  const auto& document = found.stored->document;
  facts.state = document.state;
  if (held && !held->fenced() && held->unfinished()) facts.state->intent_open = true;
  if (!found.drift.empty()) {
    facts.check_detail = found.drift;
  } else if (found.stood_still) {
    facts.check_detail = "the lease of " + document.lease.holder_name + " was not renewed";
  } else if (document.state.operations != shards.operations) {
    facts.check_detail = fmt::format("the state counts {} operations, the index has seen {}", document.state.operations, shards.operations);
  } else if (!document.history.empty() && document.history != shards.history) {
    facts.check_detail = "the index was restored from a snapshot";
  }
  facts.check_holds = facts.check_detail.empty();
}

// Asked for again only when there was another run, or somebody wrote.
void Inspector::count(Inspection& found) {
  auto& facts = found.facts;
  const auto generation = facts.check_holds && facts.state ? facts.state->generation : -1;
  if (generation < 0 || counted_.physical != found.live || counted_.generation != generation) {
    counted_ = {.physical = found.live, .generation = generation, .counts = protocol_.count(found.live)};
  }
  facts.documents = counted_.counts.documents;
  facts.quarantined = counted_.counts.quarantined + static_cast<std::int64_t>(found.stored ? found.stored->document.refused.size() : 0);
}

// Unfinished indexes, whoever fills them; each is asked once in a look.
std::vector<Inspector::Fill> Inspector::look_at_fills(const std::vector<PhysicalIndex>& fills) {
  std::vector<Fill> seen;
  for (const auto& fill : fills) {
    const auto stored = protocol_.read_state(fill.name).stored;
    auto lease = stored ? stored->document.lease : Lease{};
    const auto watched = watch_.look(fill.name, lease, holder_.duration, LeaseWatch::Clock::now());
    seen.push_back({.physical = fill.name, .lease = std::move(lease), .seen = watched});
  }
  return seen;
}

// Nothing that readers see: somebody may be filling the first index at this moment.
void Inspector::look_without_live(Inspection& found, const std::vector<Fill>& fills) const {
  auto& facts = found.facts;
  facts.leading = false;
  for (const auto& fill : fills) {
    if (fill.lease.holder == holder_.id || fill.seen.vacant) continue;
    facts.writable = false;
    facts.vacant_in = fill.seen.vacant_in;
    facts.holder = fill.lease.holder_name.empty() ? "an agent that fills " + fill.physical : fill.lease.holder_name;
  }
}

// What crashes have left: the dead are deleted by whoever sees them, a fill that stands still is condemned first.
void Inspector::clear_away(const std::vector<PhysicalIndex>& dead, const std::vector<Fill>& fills) {
  for (const auto& index : dead) {
    log_.info("deleting an index that was replaced", {{"index", index.name}});
    protocol_.delete_index(index.name);
  }
  for (const auto& fill : fills) {
    if (!fill.seen.vacant && fill.lease.holder != holder_.id) continue;
    log_.info("deleting an index that was never finished", {{"index", fill.physical}});
    if (protocol_.condemn(fill.physical)) protocol_.delete_index(fill.physical);
  }
}

}  // namespace tidemark::ingest::elasticsearch
