#include "ingest/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "daemon/error.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest {

namespace {

constexpr std::size_t max_report_problems = 20;
constexpr std::int64_t tolerated_refusals = 10;
constexpr std::int64_t tolerated_refusal_percent = 5;
// Of the batches under way and the one that is being filled, all together: the more lanes, the smaller each. Each is in memory a second time,
// encoded.
constexpr std::int64_t max_parallel_bytes = 5 * 1024 * 1024;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

void move_to(std::vector<Operation>& all, std::vector<Operation> more) {
  if (all.empty()) {
    all = std::move(more);
  } else {
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
}

}  // namespace

std::int64_t bytes_of(const Operation& operation) {
  constexpr std::int64_t overhead = 128;
  return std::visit(
      Overloaded{
          [](const Document& document) { return document.bytes(); },
          [](const Quarantined& entry) { return overhead + static_cast<std::int64_t>(entry.key.path.size() + entry.reason.size()); },
          [](const Removal& removal) { return overhead + static_cast<std::int64_t>(removal.key.path.size() + removal.key.fragment.size()); },
      },
      operation);
}

Applier::Applier(EngineRun& run, BatchLimits limits, RunReport& report, std::function<void()> before_batch)
    : run_(run), limits_(limits), report_(report), before_batch_(std::move(before_batch)), lanes_(run) {}

std::vector<Operation> Applier::add(Operation operation) {
  std::vector<Operation> applied;
  const auto bytes = bytes_of(operation);
  if (is_full(bytes)) applied = send();
  append(std::move(operation), bytes);
  return applied;
}

std::vector<Operation> Applier::spare() {
  if (run_.lanes() <= 1) return flush();
  return lanes_.under_way() == 0 && !batch_.empty() ? send() : std::vector<Operation>();
}

void Applier::barrier() {
  lanes_.wait_for_fewer_than(1);
  collect();
  spans_barrier_ = !batch_.empty();
}

std::vector<Operation> Applier::flush() {
  std::vector<Operation> applied;
  do {
    while (!batch_.empty()) move_to(applied, apply_here());
    lanes_.wait_for_fewer_than(1);
    move_to(applied, collect());
  } while (!batch_.empty());  // what was refused
  return applied;
}

bool Applier::is_full(std::int64_t more_bytes) const {
  return !batch_.empty() && (batch_.size() >= limits_.operations || batch_bytes_ + more_bytes > max_batch_bytes_);
}

void Applier::append(Operation operation, std::int64_t bytes) {
  if (batch_.empty()) {
    const auto lanes = static_cast<std::int64_t>(run_.lanes());
    max_batch_bytes_ = lanes <= 1 ? limits_.bytes : std::min(limits_.bytes, max_parallel_bytes / (lanes + 1));
    batch_bytes_ = 0;
  }
  batch_bytes_ += bytes;
  batch_.push_back(std::move(operation));
}

std::vector<Operation> Applier::send() {
  if (run_.lanes() <= 1) return apply_here();
  before_batch_();
  lanes_.wait_for_fewer_than(run_.lanes());
  auto batch = std::exchange(batch_, {});
  auto applied = collect();
  lanes_.start(std::move(batch));
  if (std::exchange(spans_barrier_, false)) lanes_.wait_for_fewer_than(1);
  return applied;
}

// No thread is worth its while for one batch, and the last one of a run needs none.
std::vector<Operation> Applier::apply_here() {
  before_batch_();
  lanes_.wait_for_fewer_than(std::max<std::size_t>(run_.lanes(), 1));
  auto batch = std::exchange(batch_, {});
  auto applied = collect();
  settle_batch(batch, run_.apply(batch));
  spans_barrier_ = false;
  move_to(applied, std::move(batch));
  return applied;
}

std::vector<Operation> Applier::collect() {
  std::vector<Operation> applied;
  for (auto& batch : lanes_.take()) {
    settle_batch(batch.operations, batch.settled);
    move_to(applied, std::move(batch.operations));
  }
  return applied;
}

void Applier::settle_batch(const std::vector<Operation>& batch, const std::vector<Settled>& settled) {
  if (settled.size() != batch.size()) {
    throw TransientError(fmt::format("the engine settled {} of {} operations", settled.size(), batch.size()));
  }
  for (std::size_t at = 0; at < batch.size(); ++at) settle(batch[at], settled[at]);
  check_refusals();
  for (auto& operation : std::exchange(refused_, {})) {
    const auto bytes = bytes_of(operation);
    append(std::move(operation), bytes);
  }
}

void Applier::settle(const Operation& operation, const Settled& settled) {
  if (settled.outcome == Settled::Outcome::refused) {
    refuse(operation, settled.reason);
    return;
  }
  std::visit(Overloaded{
                 [&](const Document& document) {
                   ++documents_;
                   ++report_.upserted;
                   report_.bytes += document.size;
                   for (const auto& problem : document.content.problems) note(document.key, problem);
                 },
                 [&](const Quarantined& entry) {
                   ++report_.quarantined;
                   note(entry.key, entry.reason);
                 },
                 [&](const Removal&) { ++report_.removed; },
             },
             operation);
}

// A refused document leaves the index for the quarantine. Nothing else can be refused.
void Applier::refuse(const Operation& operation, const std::string& reason) {
  const auto* document = std::get_if<Document>(&operation);
  if (document == nullptr) throw StalledError("the engine refused to take " + display_path(key_of(operation).path) + " out of the index: " + reason);
  ++documents_;
  ++refusals_;
  refused_.push_back(Quarantined{.key = document->key,
                                 .oid = document->oid,
                                 .fingerprint = document->fingerprint,
                                 .reason = "the engine refused it: " + reason,
                                 .revision = document->revision});
}

void Applier::check_refusals() const {
  if (refused_.empty() || refusals_ <= tolerated_refusals || refusals_ * 100 <= documents_ * tolerated_refusal_percent) return;
  const auto& latest = std::get<Quarantined>(refused_.back());
  throw StalledError(
      fmt::format("the engine refused {} of {} documents, which is more than single documents' fault; the run was ended. The latest: {}: {}",
                  refusals_, documents_, display_path(latest.key.path), latest.reason));
}

void Applier::note(const DocumentKey& key, const std::string& problem) {
  if (report_.problems.size() < max_report_problems) report_.problems.push_back(display_path(key.path) + ": " + problem);
}

}  // namespace tidemark::ingest
