// The real engine with faults that it can't be made to show at will: refused documents, errors at a given call, several lanes.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ingest/engine.hpp"

namespace tidemark::testing {

struct Faults {
  std::function<bool(const ingest::Document&)> refuses;  // the engine's verdict on a document
  std::function<void()> before_apply = [] {};            // may throw
  std::function<void()> before_commit = [] {};           // may throw
  std::function<void(std::vector<ingest::Settled>&)> after_apply = [](auto&) {};
  std::vector<std::size_t> batches;  // how many operations each apply() got
  std::size_t lanes = 1;             // more than one: before_apply is called by several threads at once
};

class FaultyRun : public ingest::EngineRun {
 public:
  FaultyRun(std::unique_ptr<ingest::EngineRun> run, Faults& faults) : run_(std::move(run)), faults_(faults) {}

  std::vector<ingest::Settled> apply(std::span<const ingest::Operation> operations) override {
    faults_.before_apply();
    const std::lock_guard lock(mutex_);
    faults_.batches.push_back(operations.size());
    std::vector<ingest::Operation> passed;
    std::vector<ingest::Settled> settled;
    for (const auto& operation : operations) {
      const auto* document = std::get_if<ingest::Document>(&operation);
      const bool refused = document != nullptr && faults_.refuses && faults_.refuses(*document);
      settled.push_back(refused ? ingest::Settled{ingest::Settled::Outcome::refused, "a fault"} : ingest::Settled{});
      if (!refused) passed.push_back(operation);
    }
    run_->apply(passed);
    faults_.after_apply(settled);
    return settled;
  }
  std::size_t lanes() const override { return faults_.lanes; }
  void commit(const ingest::Checkpoint& checkpoint) override {
    faults_.before_commit();
    run_->commit(checkpoint);
  }

 private:
  std::unique_ptr<ingest::EngineRun> run_;
  Faults& faults_;
  std::mutex mutex_;  // the real engine has one lane
};

class FaultyEngine : public ingest::Engine {
 public:
  explicit FaultyEngine(std::unique_ptr<ingest::Engine> engine) : engine_(std::move(engine)) {}

  Faults faults;
  std::function<ingest::Facts(ingest::Facts)> alter_facts = [](ingest::Facts facts) { return facts; };
  std::function<void(const std::function<bool(const ingest::Listed&)>&)> list_instead;

  std::string kind() const override { return engine_->kind(); }
  using Engine::inspect;
  ingest::Facts inspect(ingest::Look look) override { return alter_facts(engine_->inspect(look)); }
  std::unique_ptr<ingest::EngineRun> begin(const ingest::RunStart& start) override {
    return std::make_unique<FaultyRun>(engine_->begin(start), faults);
  }
  void list(const std::function<bool(const ingest::Listed&)>& visit) override {
    if (list_instead) {
      list_instead(visit);
    } else {
      engine_->list(visit);
    }
  }
  bool ready() override { return engine_->ready(); }
  ingest::SearchResult search(const ingest::SearchQuery& query) override { return engine_->search(query); }
  ingest::DocumentPage documents(const ingest::DocumentPageQuery& query) override { return engine_->documents(query); }
  std::optional<ingest::Document> document(const ingest::DocumentKey& key) override { return engine_->document(key); }
  std::vector<ingest::Quarantined> quarantine(std::size_t limit) override { return engine_->quarantine(limit); }

 private:
  std::unique_ptr<ingest::Engine> engine_;
};

}  // namespace tidemark::testing
