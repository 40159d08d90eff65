// One run that writes: its batches, and how it ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "ingest/elasticsearch/bulk_sender.hpp"
#include "ingest/elasticsearch/held_state.hpp"
#include "ingest/elasticsearch/index_protocol.hpp"
#include "ingest/elasticsearch/lease_keeper.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest::elasticsearch {

// What a run needs of its engine, which outlives it.
struct RunContext {
  IndexProtocol& protocol;
  BulkSender& sender;
  LeaseKeeper& leases;
  SchemaChoice choice;
  std::shared_ptr<HeldState> state;                      // of the index that is written; of a fresh one in a rebuild
  std::optional<IndexProtocol::Counts> before;           // what the index held, if that is known
  std::function<std::vector<std::string>()> strangers;   // what an audit's listing found beside our documents, by `_id`
  std::function<void()> tampered;                        // called when only a rebuild helps
  std::function<void(IndexProtocol::Counts)> committed;  // called at the end of commit()
  std::stop_token stop;
};

class ElasticsearchRun final : public EngineRun {
 public:
  ElasticsearchRun(RunContext context, RunStart start);
  // Without commit(): a fresh index is condemned and deleted as far as that can be done; any other is seen as unfinished by the next look.
  ~ElasticsearchRun() override;

  std::vector<Settled> apply(std::span<const Operation> operations) override;
  std::size_t lanes() const override { return context_.sender.lanes(); }
  void commit(const Checkpoint& checkpoint) override;

 private:
  BulkSender::Outcome send(const EncodedBulk& bulk);
  Settled settle(const Operation& operation, const BulkItem& item);
  Settled refused(const Operation& operation, const std::string& reason);
  [[noreturn]] void meet_conflict(const BulkItem& item);
  void remove_strangers();
  IndexProtocol::Counts counts();
  void finish_fill();
  void touch(std::span<const Operation> operations);
  std::vector<Quarantined> refused_after(const std::vector<Quarantined>& before);
  void keep_refused(const Quarantined& stub, const std::string& reason);
  EncodedBulk take_buffer();
  void give_back(EncodedBulk bulk);

  RunContext context_;
  RunStart start_;
  BulkEncoder encoder_;
  std::stop_source stop_;                    // the engine's end, or the loss of the lease
  std::stop_callback<std::function<void()>> on_stop_;
  std::stop_callback<std::function<void()>> on_loss_;
  std::atomic<bool> refreshed_ = true;       // nothing was written that searches do not see
  std::atomic<std::int64_t> made_ = 0;       // documents and stubs made, less those deleted
  std::atomic<bool> countable_ = true;       // no stubs, no answer lost: made_ is the documents'
  std::set<DocumentKey> refused_before_;     // what the state lists
  std::mutex mutex_;                         // guards what follows
  std::vector<Quarantined> refused_;
  std::size_t refused_bytes_ = 0;            // of their paths
  std::set<DocumentKey> touched_;            // of refused_before_, what this run wrote
  std::vector<EncodedBulk> buffers_;         // of bulks that were sent, as many as were under way at once
  bool committed_ = false;
};

}  // namespace tidemark::ingest::elasticsearch
