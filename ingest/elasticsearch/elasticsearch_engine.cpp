// The engine's parts put together: looking, leading, beginning a run. What a run does is in elasticsearch_run.cpp, what readers ask in readers.cpp.
#include "ingest/elasticsearch/elasticsearch_engine.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/elasticsearch_run.hpp"
#include "ingest/elasticsearch/held_state.hpp"
#include "ingest/elasticsearch/index_view.hpp"
#include "ingest/elasticsearch/lease_keeper.hpp"
#include "ingest/elasticsearch/lease_watch.hpp"
#include "ingest/elasticsearch/listing.hpp"
#include "ingest/elasticsearch/readers.hpp"

namespace tidemark::ingest {

namespace {

using namespace elasticsearch;

constexpr std::int64_t generation_step = 1'000;
constexpr std::size_t max_strangers = 10'000;
constexpr Duration analysis_probe_period = std::chrono::minutes(10);
constexpr Duration farewell = std::chrono::seconds(2);

std::string random_holder() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string holder_name() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return fmt::format("{}/{}", host, getpid());
}

class ElasticsearchEngine final : public Engine {
 public:
  ElasticsearchEngine(ElasticsearchSettings settings, Log& log)
      : settings_(std::move(settings)),
        log_(log),
        connection_(settings_.connection),
        sender_(connection_, settings_.bulk, ConcurrencyLimit(settings_.concurrency)),
        leases_(settings_.lease_duration, log),
        readers_(connection_, settings_.index) {}
  ~ElasticsearchEngine() override { give_back(); }

  std::string kind() const override { return readers_.kind(); }
  void identify(const SourceIdentity& source) override;
  Facts inspect(Look look) override;
  bool lead() override;
  std::unique_ptr<EngineRun> begin(const RunStart& start) override;
  void list(const std::function<bool(const Listed&)>& visit) override;
  void interrupt() override { stop_.request_stop(); }

  bool ready() override { return readers_.ready(); }
  SearchResult search(const SearchQuery& query) override { return readers_.search(query); }
  DocumentPage documents(const DocumentPageQuery& query) override { return readers_.documents(query); }
  std::optional<Document> document(const DocumentKey& key) override { return readers_.document(key); }
  std::vector<Quarantined> quarantine(std::size_t limit) override { return readers_.quarantine(limit); }

 private:
  IndexProtocol& protocol();
  const SchemaChoice& schema_choice();
  Facts look_at(const PhysicalIndex& live, const std::string& drift);
  Facts look_without_live(const std::vector<PhysicalIndex>& fills);
  void look_at_lease(Facts& facts, const std::string& physical, const std::optional<StoredState>& stored);
  void check(Facts& facts, const StoredState& stored, const ShardFacts& shards, const std::string& drift);
  std::vector<PhysicalIndex> look_around();
  void make_writable(const PhysicalIndex& live);
  void clear_away(const IndexView& view);
  void count(Facts& facts, const std::string& physical);
  Lease own_lease() const;
  std::shared_ptr<HeldState> begin_fill(const RunStart& start);
  std::optional<IndexProtocol::Counts> known_counts(const std::shared_ptr<HeldState>& state) const;
  std::unique_ptr<EngineRun> run_on(std::shared_ptr<HeldState> state, const RunStart& start);
  void committed(const std::shared_ptr<HeldState>& state, IndexProtocol::Counts counts);
  void give_back();

  ElasticsearchSettings settings_;
  Log& log_;
  std::stop_source stop_;
  Connection connection_;
  BulkSender sender_;
  LeaseKeeper leases_;
  Readers readers_;
  const std::string holder_ = random_holder();
  const std::string holder_name_ = holder_name();

  // The loop's thread alone.
  SourceIdentity source_;
  std::unique_ptr<IndexProtocol> protocol_;
  std::optional<SchemaChoice> choice_;
  LeaseWatch::Clock::time_point probed_;
  LeaseWatch watch_;
  std::shared_ptr<HeldState> held_;
  std::optional<Facts> facts_;           // of the last look, and what was done since
  std::string live_;                     // the physical index, "" for none
  std::optional<StoredState> seen_;      // its state at the last look
  std::vector<PhysicalIndex> around_;    // everything that the last look found
  std::string drift_;
  bool stood_still_ = false;             // the lease is vacant because its holder stopped renewing
  std::atomic<bool> tampered_ = false;   // set by a run's threads
  std::vector<std::string> strangers_;   // what the last listing found beside our documents
  bool strangers_left_ = false;          // there are more: another audit follows
  struct Counted {
    std::string physical;
    std::int64_t generation = -1;
    IndexProtocol::Counts counts;
  } counted_;
};

IndexProtocol& ElasticsearchEngine::protocol() {
  if (!protocol_) throw TransientError("the source is not known yet");
  return *protocol_;
}

void ElasticsearchEngine::identify(const SourceIdentity& source) {
  if (protocol_ && source_.name == source.name) {
    source_ = source;
    return;
  }
  give_back();
  source_ = source;
  const IndexNames names(settings_.index, source.name);
  readers_.use(names);
  protocol_ = std::make_unique<IndexProtocol>(connection_, names, stop_.get_token());
  facts_.reset();
}

// What the cluster can analyze is looked at again once in a while: a plugin that was installed is worth a rebuild.
const SchemaChoice& ElasticsearchEngine::schema_choice() {
  const auto now = LeaseWatch::Clock::now();
  if (choice_ && (settings_.analysis || now - probed_ < analysis_probe_period)) return *choice_;
  choice_ = SchemaChoice{.product = protocol().product(),
                         .cjk = settings_.analysis ? *settings_.analysis : protocol().probe_analysis(),
                         .shards = settings_.shards,
                         .replicas = settings_.replicas};
  probed_ = now;
  readers_.use(*choice_);
  return *choice_;
}

Facts ElasticsearchEngine::inspect(Look look) {
  if (look == Look::recent && facts_ && held_ && !held_->fenced() && !held_->unfinished() && !tampered_) return *facts_;
  facts_.reset();
  seen_.reset();
  around_ = look_around();
  const auto view = view_of(around_, protocol().names());
  if (view.name_taken) {
    throw StalledError(fmt::format("an index has the name {}, which the agent needs as an alias: delete or rename it, or give another --index", settings_.index));
  }
  schema_choice();
  live_ = view.live ? view.live->name : "";
  readers_.use_live(live_);
  drift_ = view.drift;
  if (held_ && (held_->fenced() || held_->physical() != live_)) {
    leases_.let_go(held_);
    held_.reset();
  }
  if (view.live) make_writable(*view.live);
  auto facts = view.live ? look_at(*view.live, view.drift) : look_without_live(view.fills);
  clear_away(view);
  facts_ = facts;
  return facts;
}

// A block of the metadata hides even the blocks.
std::vector<PhysicalIndex> ElasticsearchEngine::look_around() {
  try {
    return protocol().look();
  } catch (const Blocked& error) {
    log_.warning("removing a block of the index", {{"index", protocol().names().pattern()}, {"block", "metadata"}, {"reason", error.what()}});
    protocol().remove_block(protocol().names().pattern(), "metadata");
    return protocol().look();
  }
}

// The index is ours and Git's: an operator who wants it to stay as it is stops the agent. The block of a full disk goes when there is room again.
void ElasticsearchEngine::make_writable(const PhysicalIndex& live) {
  if (live.closed) {
    log_.warning("opening the index, which was closed", {{"index", live.name}});
    protocol().open_index(live.name);
  }
  for (const auto& block : live.blocks) {
    if (block == "read_only_allow_delete") continue;
    log_.warning("removing a block of the index", {{"index", live.name}, {"block", block}});
    protocol().remove_block(live.name, block);
  }
}

Facts ElasticsearchEngine::look_at(const PhysicalIndex& live, const std::string& drift) {
  IndexProtocol::StateAnswer answer;
  ShardFacts shards;
  // Our own renewals between the two would look like somebody else's.
  const auto ask = [&] {
    answer = protocol().read_state(live.name);
    shards = protocol().shard_facts(live.name);
  };
  if (held_) {
    held_->while_still(ask);
  } else {
    ask();
  }
  if (!answer.index_exists) throw TransientError(live.name + " was deleted a moment ago");
  if (!shards.complete) throw TransientError("not every primary shard of " + live.name + " is there: wait for the cluster to recover");

  Facts facts;
  seen_ = answer.stored;
  look_at_lease(facts, live.name, answer.stored);
  const auto version = std::max(live.meta->version, answer.schema);
  if (version > schema_version) {
    facts.schema = Schema::newer;
  } else if (live.meta->version < schema_version || live.meta->schema != schema_hash(schema_choice())) {
    facts.schema = Schema::older;
  } else if (answer.stored) {
    facts.schema = Schema::ours;
  }
  facts.tampered = tampered_;
  if (answer.stored) {
    facts.state = answer.stored->document.state;
    check(facts, *answer.stored, shards, drift);
  }
  count(facts, live.name);
  return facts;
}

void ElasticsearchEngine::look_at_lease(Facts& facts, const std::string& physical, const std::optional<StoredState>& stored) {
  const Lease lease = stored ? stored->document.lease : Lease{};
  stood_still_ = false;
  if (held_ && stored && lease.holder == holder_) {
    facts.leading = true;
    facts.holder = holder_name_;
    return;
  }
  // Written by others, or restored from a time when it was another's.
  if (held_) {
    held_->fence();
    leases_.let_go(held_);
    held_.reset();
  }
  facts.leading = false;
  facts.holder = lease.holder_name;
  if (!stored) return;  // nobody holds what has no state
  const auto seen = watch_.look(physical, lease, settings_.lease_duration, LeaseWatch::Clock::now());
  const bool of_former_self = lease.holder == holder_;
  facts.writable = seen.vacant || of_former_self;
  facts.vacant = seen.vacant_for;
  facts.vacant_in = seen.vacant_in;
  stood_still_ = facts.writable && !lease.holder.empty();
}

void ElasticsearchEngine::check(Facts& facts, const StoredState& stored, const ShardFacts& shards, const std::string& drift) {
  const auto& document = stored.document;
  if (held_ && held_->unfinished()) facts.state->intent_open = true;
  if (!drift.empty()) {
    facts.check_detail = drift;
  } else if (stood_still_) {
    facts.check_detail = "the lease of " + document.lease.holder_name + " was not renewed";
  } else if (document.state.operations != shards.operations) {
    facts.check_detail = fmt::format("the state counts {} operations, the index has seen {}", document.state.operations, shards.operations);
  } else if (!document.history.empty() && document.history != shards.history) {
    facts.check_detail = "the index was restored from a snapshot";
  }
  facts.check_holds = facts.check_detail.empty();
}

// Nothing that readers see: somebody may be filling the first index at this moment.
Facts ElasticsearchEngine::look_without_live(const std::vector<PhysicalIndex>& fills) {
  Facts facts;
  for (const auto& fill : fills) {
    const auto stored = protocol().read_state(fill.name).stored;
    const auto lease = stored ? stored->document.lease : Lease{};
    if (lease.holder == holder_) continue;
    const auto seen = watch_.look(fill.name, lease, settings_.lease_duration, LeaseWatch::Clock::now());
    if (seen.vacant) continue;
    facts.writable = false;
    facts.leading = false;
    facts.vacant_in = seen.vacant_in;
    facts.holder = lease.holder_name.empty() ? "an agent that fills " + fill.name : lease.holder_name;
  }
  return facts;
}

// What crashes have left: the dead are deleted by whoever sees them, a fill that stands still is condemned first.
void ElasticsearchEngine::clear_away(const IndexView& view) {
  for (const auto& dead : view.dead) {
    log_.info("deleting an index that was replaced", {{"index", dead.name}});
    protocol().delete_index(dead.name);
  }
  for (const auto& fill : view.fills) {
    const auto stored = protocol().read_state(fill.name).stored;
    const auto lease = stored ? stored->document.lease : Lease{};
    const auto seen = watch_.look(fill.name, lease, settings_.lease_duration, LeaseWatch::Clock::now());
    if (!seen.vacant && lease.holder != holder_) continue;
    log_.info("deleting an index that was never finished", {{"index", fill.name}});
    if (protocol().condemn(fill.name)) protocol().delete_index(fill.name);
  }
}

// Counted again only when there was another run, or somebody wrote.
void ElasticsearchEngine::count(Facts& facts, const std::string& physical) {
  const auto generation = facts.check_holds && facts.state ? facts.state->generation : -1;
  if (generation < 0 || counted_.physical != physical || counted_.generation != generation) {
    counted_ = {.physical = physical, .generation = generation, .counts = protocol().count(physical)};
  }
  facts.documents = counted_.counts.documents;
  facts.quarantined = counted_.counts.quarantined + static_cast<std::int64_t>(seen_ ? seen_->document.refused.size() : 0);
}

Lease ElasticsearchEngine::own_lease() const {
  return {.holder = holder_, .holder_name = holder_name_, .renewals = 0, .duration = settings_.lease_duration};
}

bool ElasticsearchEngine::lead() {
  if (live_.empty() || !seen_) return true;  // nothing to hold yet: a rebuild brings its own state
  if (held_ && !held_->fenced()) return true;
  auto state = std::make_shared<HeldState>(protocol(), live_, IndexNames::write_alias(live_), seen_);
  try {
    if (!drift_.empty()) protocol().keep_alone(live_, around_);
    if (stood_still_) state->begin_run();  // an audit follows, whatever happens to this process
    state->write([&](StateDocument& document) {
      const auto renewals = document.lease.renewals;
      document.lease = own_lease();
      document.lease.renewals = renewals;
      // The holder that stood still may have used the next generation without saying so.
      if (stood_still_) document.state.generation += generation_step;
    });
  } catch (const Fenced&) {
    return false;
  }
  held_ = std::move(state);
  leases_.keep(held_);
  if (facts_) {
    facts_->leading = true;
    facts_->holder = holder_name_;
    facts_->state = held_->document().state;
  }
  log_.info("leading", {{"index", live_}, {"holder", holder_name_}});
  return true;
}

std::shared_ptr<HeldState> ElasticsearchEngine::begin_fill(const RunStart& start) {
  std::random_device random;
  const auto& names = protocol().names();
  const auto& choice = schema_choice();
  const auto hash = schema_hash(choice);
  std::string greatest;
  std::string greatest_unique;
  for (const auto& index : around_) {
    const auto parts = names.parse(index.name);
    if (!parts || parts->unique <= greatest_unique) continue;
    greatest = index.name;
    greatest_unique = parts->unique;
  }
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto physical = names.fresh(hash, now.count(), random(), greatest);
  protocol().create_index(physical, choice,
                          {.alias = names.alias(), .source = names.source(), .schema = hash, .version = schema_version, .physical = physical});
  auto state = std::make_shared<HeldState>(protocol(), physical, IndexNames::fill_alias(physical), std::nullopt);
  state->begin_run();
  state->write([&](StateDocument& document) {
    document.state.schema = schema_version;
    document.state.source = start.source;
    document.state.generation = start.generation;
    document.lease = own_lease();
  });
  leases_.keep(state);
  return state;
}

// What the last look or run counted, if nobody has written since.
std::optional<IndexProtocol::Counts> ElasticsearchEngine::known_counts(const std::shared_ptr<HeldState>& state) const {
  if (state != held_ || !facts_ || !facts_->check_holds || !state->document().refused.empty()) return std::nullopt;
  return IndexProtocol::Counts{.documents = facts_->documents, .quarantined = facts_->quarantined};
}

std::unique_ptr<EngineRun> ElasticsearchEngine::run_on(std::shared_ptr<HeldState> state, const RunStart& start) {
  return std::make_unique<ElasticsearchRun>(RunContext{.protocol = protocol(),
                                                       .sender = sender_,
                                                       .leases = leases_,
                                                       .choice = schema_choice(),
                                                       .state = state,
                                                       .before = known_counts(state),
                                                       .strangers = [this] { return std::exchange(strangers_, {}); },
                                                       .tampered = [this] { tampered_ = true; },
                                                       .committed = [this, state](IndexProtocol::Counts counts) { committed(state, counts); },
                                                       .stop = stop_.get_token()},
                                            start);
}

std::unique_ptr<EngineRun> ElasticsearchEngine::begin(const RunStart& start) {
  strangers_.clear();
  if (start.mode == Mode::rebuild) return run_on(begin_fill(start), start);
  if (!held_ && !facts_) inspect(Look::whole);
  if (!held_ && !lead()) throw TransientError("another agent has taken the lease");
  if (!held_ || held_->fenced()) throw TransientError("there is no index to write to");
  if (start.mode == Mode::audit) {
    if (!drift_.empty()) protocol().keep_alone(live_, around_);
    held_->write_intent([&](StateDocument& document) { document.state.generation = start.generation; },
                        [&](const StoredState& stored) {
                          // With one shard the intent's own number says it; with more, whatever came in between is seen by the listing, which follows.
                          return settings_.shards == 1 ? stored.seq_no + 1 : protocol().shard_facts(live_).operations;
                        });
  }
  return run_on(held_, start);
}

void ElasticsearchEngine::committed(const std::shared_ptr<HeldState>& state, IndexProtocol::Counts counts) {
  if (held_ != state) {
    if (held_) leases_.let_go(held_);
    const auto replaced = std::exchange(live_, state->physical());
    held_ = state;
    tampered_ = false;
    readers_.use_live(live_);
    if (!replaced.empty() && replaced != live_) {
      try {
        protocol().delete_index(replaced);
      } catch (const std::runtime_error& error) {
        log_.warning("the replaced index is not deleted yet", {{"index", replaced}, {"reason", error.what()}});
      }
    }
  }
  drift_.clear();
  if (std::exchange(strangers_left_, false)) held_->begin_run();
  const auto document = held_->document();
  counted_ = {.physical = live_, .generation = document.state.generation, .counts = counts};
  Facts facts;
  facts.schema = Schema::ours;
  facts.state = document.state;
  facts.check_holds = true;
  facts.holder = holder_name_;
  facts.documents = counts.documents;
  facts.quarantined = counts.quarantined + static_cast<std::int64_t>(document.refused.size());
  facts_ = facts;
}

void ElasticsearchEngine::list(const std::function<bool(const Listed&)>& visit) {
  if (live_.empty()) {
    const auto view = view_of(protocol().look(), protocol().names());
    if (!view.live) return;
    live_ = view.live->name;
  }
  protocol().refresh(live_);
  strangers_.clear();
  strangers_left_ = false;
  list_index(protocol(), live_, source_.name, visit, [&](const std::string& id) {
    if (strangers_.size() < max_strangers) {
      strangers_.push_back(id);
    } else {
      strangers_left_ = true;
    }
    return true;
  });
}

// So that the next agent need not wait for the lease to stand still.
void ElasticsearchEngine::give_back() {
  if (!held_) return;
  leases_.let_go(held_);
  if (!held_->fenced()) {
    IndexProtocol last(connection_, protocol_->names(), {}, farewell);
    held_->give_back(last);
  }
  held_.reset();
}

}  // namespace

std::unique_ptr<Engine> open_elasticsearch_engine(ElasticsearchSettings settings, Log& log) {
  return std::make_unique<ElasticsearchEngine>(std::move(settings), log);
}

}  // namespace tidemark::ingest
