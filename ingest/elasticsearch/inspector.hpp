// Looks at a source's indexes and says what a decision needs to know; puts away on the way what hinders an index (blocks, remains of crashes).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/units.hpp"
#include "ingest/elasticsearch/held_state.hpp"
#include "ingest/elasticsearch/holder.hpp"
#include "ingest/elasticsearch/index_protocol.hpp"
#include "ingest/elasticsearch/index_view.hpp"
#include "ingest/elasticsearch/lease_watch.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest::elasticsearch {

struct Inspection {
  Facts facts;
  std::string live;                    // the physical index that readers see; "" for none
  std::string drift;                   // why its aliases have to be put right, or ""
  std::optional<StoredState> stored;   // its state
  std::vector<PhysicalIndex> around;   // everything that was found
  std::string greatest;                // the greatest of their names: the next one's is greater
  bool stood_still = false;            // the lease is vacant because its holder stopped renewing
};

// Belongs to the reconcile loop.
class Inspector {
 public:
  Inspector(IndexProtocol& protocol, Holder holder, Log& log);

  // `held`: the state whose lease this process holds, if any; fenced when the look shows that it was lost. Throws TransientError, StalledError.
  Inspection look(const std::string& schema_hash, const std::shared_ptr<HeldState>& held);
  // What a run of this process counted at its end: it need not be asked for.
  void remember(const std::string& physical, std::int64_t generation, IndexProtocol::Counts counts);

 private:
  std::vector<PhysicalIndex> look_around();
  void make_writable(const PhysicalIndex& live);
  void look_at(Inspection& found, const PhysicalIndex& live, const std::string& schema_hash, const std::shared_ptr<HeldState>& held);
  void look_at_lease(Inspection& found, const std::shared_ptr<HeldState>& held);
  void check(Inspection& found, const ShardFacts& shards, const std::shared_ptr<HeldState>& held) const;
  void count(Inspection& found);
  struct Fill {
    std::string physical;
    Lease lease;
    LeaseWatch::Seen seen;
  };
  std::vector<Fill> look_at_fills(const std::vector<PhysicalIndex>& fills);
  void look_without_live(Inspection& found, const std::vector<Fill>& fills) const;
  void clear_away(const std::vector<PhysicalIndex>& dead, const std::vector<Fill>& fills);

  IndexProtocol& protocol_;
  const Holder holder_;
  Log& log_;
  LeaseWatch watch_;
  struct Counted {
    std::string physical;
    std::int64_t generation = -1;
    IndexProtocol::Counts counts;
  } counted_;
};

}  // namespace tidemark::ingest::elasticsearch
