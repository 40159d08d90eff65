#include "ingest/apply.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "daemon/error.hpp"
#include "ingest/fingerprint.hpp"

namespace tidemark::ingest {

namespace {

constexpr std::size_t max_report_problems = 20;
constexpr std::int64_t tolerated_refusals = 10;
constexpr std::int64_t tolerated_refusal_percent = 5;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

const DocumentKey& key_of(const Operation& operation) {
  return std::visit([](const auto& each) -> const DocumentKey& { return each.key; }, operation);
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
    : run_(run), limits_(limits), report_(report), before_batch_(std::move(before_batch)) {}

std::vector<Operation> Applier::add(Operation operation) {
  std::vector<Operation> applied;
  const auto bytes = bytes_of(operation);
  if (!batch_.empty() && (batch_.size() >= limits_.operations || batch_bytes_ + bytes > limits_.bytes)) applied = send();
  batch_bytes_ += bytes;
  batch_.push_back(std::move(operation));
  return applied;
}

std::vector<Operation> Applier::flush() {
  std::vector<Operation> applied;
  while (!batch_.empty()) {
    auto sent = send();
    if (applied.empty()) applied = std::move(sent);
  }
  return applied;
}

std::vector<Operation> Applier::send() {
  before_batch_();
  const auto settled = run_.apply(batch_);
  if (settled.size() != batch_.size()) {
    throw TransientError(fmt::format("the engine settled {} of {} operations", settled.size(), batch_.size()));
  }
  for (std::size_t at = 0; at < batch_.size(); ++at) settle(batch_[at], settled[at]);
  check_refusals();
  auto applied = std::exchange(batch_, std::exchange(refused_, {}));
  batch_bytes_ = 0;
  for (const auto& operation : batch_) batch_bytes_ += bytes_of(operation);
  return applied;
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
