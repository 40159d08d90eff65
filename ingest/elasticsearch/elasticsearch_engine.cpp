// The engine's parts put together: leading, beginning a run. What it looks at is in inspector.cpp, what a run does in elasticsearch_run.cpp, what readers
// ask in readers.cpp.
#include "ingest/elasticsearch/elasticsearch_engine.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/elasticsearch_run.hpp"
#include "ingest/elasticsearch/held_state.hpp"
#include "ingest/elasticsearch/holder.hpp"
#include "ingest/elasticsearch/index_view.hpp"
#include "ingest/elasticsearch/inspector.hpp"
#include "ingest/elasticsearch/lease_keeper.hpp"
#include "ingest/elasticsearch/listing.hpp"
#include "ingest/elasticsearch/readers.hpp"
#include "ingest/elasticsearch/strangers.hpp"

namespace tidemark::ingest {

namespace {

using namespace elasticsearch;

constexpr Duration analysis_probe_period = std::chrono::minutes(10);
constexpr Duration farewell = std::chrono::seconds(2);

class ElasticsearchEngine final : public Engine {
 public:
  ElasticsearchEngine(ElasticsearchSettings settings, Log& log)
      : settings_(std::move(settings)),
        log_(log),
        connection_(settings_.connection),
        sender_(connection_, settings_.bulk, ConcurrencyLimit(settings_.concurrency)),
        readers_(connection_, settings_.index),
        holder_(this_process(settings_.lease_duration)),
        leases_(settings_.lease_duration, log) {}
  ~ElasticsearchEngine() override { give_back(); }

  std::string kind() const override { return readers_.kind(); }
  void identify(const SourceIdentity& source) override;
  Facts inspect(Look look) override;
  bool lead() override;
  std::unique_ptr<EngineRun> begin(const RunStart& start) override;
  void list(const std::function<bool(const Listed&)>& visit) override;
  void interrupt() override { stop_.request_stop(); }
  std::string trouble() const override { return sender_.trouble(); }

  bool ready() override { return readers_.ready(); }
  SearchResult search(const SearchQuery& query) override { return readers_.search(query); }
  DocumentPage documents(const DocumentPageQuery& query) override { return readers_.documents(query); }
  std::optional<Document> document(const DocumentKey& key) override { return readers_.document(key); }
  std::vector<Quarantined> quarantine(std::size_t limit) override { return readers_.quarantine(limit); }

 private:
  IndexProtocol& protocol();
  void choose_schema();
  const SchemaChoice& schema_choice();
  Lease own_lease() const;
  std::shared_ptr<HeldState> begin_fill(const RunStart& start);
  std::optional<IndexProtocol::Counts> known_counts(const std::shared_ptr<HeldState>& state) const;
  std::unique_ptr<EngineRun> run_on(std::shared_ptr<HeldState> state, const RunStart& start);
  void committed(const std::shared_ptr<HeldState>& state, IndexProtocol::Counts counts);
  void delete_replaced(const std::string& physical);
  void let_go();
  void give_back();

  ElasticsearchSettings settings_;
  Log& log_;
  std::stop_source stop_;
  Connection connection_;
  BulkSender sender_;
  Readers readers_;
  const Holder holder_;

  // The loop's thread alone.
  SourceIdentity source_;
  std::unique_ptr<IndexProtocol> protocol_;
  std::optional<SchemaChoice> choice_;
  std::chrono::steady_clock::time_point probed_;
  std::unique_ptr<Inspector> inspector_;
  std::shared_ptr<HeldState> held_;
  std::optional<Inspection> found_;      // by the last look, and what was done since
  std::atomic<bool> tampered_ = false;   // set by a run's threads
  Strangers strangers_;                  // by the last listing
  LeaseKeeper leases_;                   // the last member: its thread writes states by the protocol
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
  inspector_ = std::make_unique<Inspector>(*protocol_, holder_, log_);
  found_.reset();
}

// At a whole look. What the cluster can analyze is asked for again once in a while: a plugin that was installed is worth a rebuild.
void ElasticsearchEngine::choose_schema() {
  const auto now = std::chrono::steady_clock::now();
  if (choice_ && (settings_.analysis || now - probed_ < analysis_probe_period)) return;
  choice_ = SchemaChoice{.product = protocol().product(),
                         .cjk = settings_.analysis ? *settings_.analysis : protocol().probe_analysis(),
                         .shards = settings_.shards,
                         .replicas = settings_.replicas};
  probed_ = now;
  readers_.use(*choice_);
}

const SchemaChoice& ElasticsearchEngine::schema_choice() {
  if (!choice_) choose_schema();
  return *choice_;
}

Facts ElasticsearchEngine::inspect(Look look) {
  if (look == Look::recent && found_ && held_ && !held_->fenced() && !held_->unfinished() && !tampered_) return found_->facts;
  found_.reset();
  choose_schema();
  found_ = inspector_->look(schema_hash(schema_choice()), held_);
  found_->facts.tampered = found_->facts.tampered || tampered_;
  if (held_ && held_->fenced()) let_go();
  readers_.use_live(found_->live);
  return found_->facts;
}

Lease ElasticsearchEngine::own_lease() const {
  return {.holder = holder_.id, .holder_name = holder_.name, .renewals = 0, .duration = holder_.duration};
}

bool ElasticsearchEngine::lead() {
  if (!found_ || found_->live.empty() || !found_->stored) return true;  // nothing to hold yet: a rebuild brings its own state
  if (held_ && !held_->fenced()) return true;
  const auto& live = found_->live;
  auto state = std::make_shared<HeldState>(protocol(), live, IndexNames::write_alias(live), found_->stored);
  try {
    if (!found_->drift.empty()) protocol().keep_alone(live, found_->around);
    if (found_->stood_still) state->begin_run();  // an audit follows, whatever happens to this process
    state->write([&](StateDocument& document) {
      const auto renewals = document.lease.renewals;
      document.lease = own_lease();
      document.lease.renewals = renewals;
      // The holder that stood still may have used the next generation without saying so.
      if (found_->stood_still) document.state.generation += generation_step;
    });
  } catch (const Fenced&) {
    return false;
  }
  held_ = std::move(state);
  leases_.keep(held_);
  found_->facts.leading = true;
  found_->facts.holder = holder_.name;
  found_->facts.state = held_->document().state;
  log_.info("leading", {{"index", live}, {"holder", holder_.name}});
  return true;
}

std::shared_ptr<HeldState> ElasticsearchEngine::begin_fill(const RunStart& start) {
  std::random_device random;
  const auto& names = protocol().names();
  const auto& choice = schema_choice();
  const auto hash = schema_hash(choice);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto physical = names.fresh(hash, now.count(), random(), found_ ? found_->greatest : "");
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
  if (state != held_ || !found_ || !found_->facts.check_holds || !state->document().refused.empty()) return std::nullopt;
  return IndexProtocol::Counts{.documents = found_->facts.documents, .quarantined = found_->facts.quarantined};
}

std::unique_ptr<EngineRun> ElasticsearchEngine::run_on(std::shared_ptr<HeldState> state, const RunStart& start) {
  return std::make_unique<ElasticsearchRun>(RunContext{.protocol = protocol(),
                                                       .sender = sender_,
                                                       .leases = leases_,
                                                       .choice = schema_choice(),
                                                       .state = state,
                                                       .before = known_counts(state),
                                                       .strangers = [this] { return strangers_.take(); },
                                                       .tampered = [this] { tampered_ = true; },
                                                       .committed = [this, state](IndexProtocol::Counts counts) { committed(state, counts); },
                                                       .stop = stop_.get_token()},
                                            start);
}

std::unique_ptr<EngineRun> ElasticsearchEngine::begin(const RunStart& start) {
  strangers_.forget();
  if (start.mode == Mode::rebuild) return run_on(begin_fill(start), start);
  if (!held_ && !found_) inspect(Look::whole);
  if (!held_ && !lead()) throw TransientError("another agent has taken the lease");
  if (!held_ || held_->fenced()) throw TransientError("there is no index to write to");
  if (start.mode == Mode::audit) {
    if (found_ && !found_->drift.empty()) protocol().keep_alone(held_->physical(), found_->around);
    held_->write_intent([&](StateDocument& document) { document.state.generation = start.generation; },
                        [&](const StoredState& stored) {
                          // With one shard the intent's own number says it; with more, whatever came in between is seen by the listing, which follows.
                          return settings_.shards == 1 ? stored.seq_no + 1 : protocol().shard_facts(held_->physical()).operations;
                        });
  }
  return run_on(held_, start);
}

void ElasticsearchEngine::committed(const std::shared_ptr<HeldState>& state, IndexProtocol::Counts counts) {
  auto greatest = found_ ? found_->greatest : std::string();
  if (held_ != state) {
    greatest = state->physical();
    const auto replaced = found_ ? found_->live : std::string();
    if (held_) leases_.let_go(held_);
    held_ = state;
    tampered_ = false;
    readers_.use_live(state->physical());
    delete_replaced(replaced);
  }
  if (strangers_.take_more()) held_->begin_run();
  const auto document = held_->document();
  inspector_->remember(held_->physical(), document.state.generation, counts);
  Inspection after;
  after.live = held_->physical();
  after.greatest = std::move(greatest);
  after.facts.schema = Schema::ours;
  after.facts.state = document.state;
  after.facts.check_holds = true;
  after.facts.holder = holder_.name;
  after.facts.documents = counts.documents;
  after.facts.quarantined = counts.quarantined + static_cast<std::int64_t>(document.refused.size());
  found_ = std::move(after);
}

void ElasticsearchEngine::delete_replaced(const std::string& physical) {
  if (physical.empty() || physical == held_->physical()) return;
  try {
    protocol().delete_index(physical);
  } catch (const std::runtime_error& error) {
    log_.warning("the replaced index is not deleted yet", {{"index", physical}, {"reason", error.what()}});
  }
}

void ElasticsearchEngine::list(const std::function<bool(const Listed&)>& visit) {
  auto live = held_ ? held_->physical() : std::string();
  if (live.empty()) {
    const auto view = view_of(protocol().look(), protocol().names());
    if (!view.live) return;
    live = view.live->name;
  }
  protocol().refresh(live);
  strangers_.forget();
  const auto stranger = [&](const std::string& id) {
    strangers_.add(id);
    return true;
  };
  list_index(protocol(), live, source_.name, {.ours = visit, .stranger = stranger});
}

void ElasticsearchEngine::let_go() {
  leases_.let_go(held_);
  held_.reset();
}

// So that the next agent need not wait for the lease to stand still.
void ElasticsearchEngine::give_back() {
  if (!held_) return;
  const auto held = held_;
  let_go();
  IndexProtocol last(connection_, protocol_->names(), {}, farewell);
  held->give_back(last);
}

}  // namespace

std::unique_ptr<Engine> open_elasticsearch_engine(ElasticsearchSettings settings, Log& log) {
  return std::make_unique<ElasticsearchEngine>(std::move(settings), log);
}

}  // namespace tidemark::ingest
