// The index's own record of how far it is, and what else an engine can say about itself. The decision's input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/units.hpp"
#include "git/revision.hpp"

namespace tidemark::ingest {

// How far the generations of two runs are apart: an engine's own counting of versions goes on by ones between them.
inline constexpr std::int64_t generation_step = 1'000;

// Whose documents an index holds. `origin` is the remote's URL without credentials; host and path count, not the scheme.
struct SourceIdentity {
  std::string name;
  std::string origin;
  bool operator==(const SourceIdentity&) const = default;
};

// The revision and the settings whose documents are all in.
struct Checkpoint {
  git::Oid commit;
  git::Oid tree;
  std::int64_t committed_at = 0;
  std::string settings;    // hex digest of the selection's canonical text
  int parser_version = 0;
  bool operator==(const Checkpoint&) const = default;
};

struct State {
  int schema = 0;
  SourceIdentity source;
  std::int64_t generation = 0;           // the last run's; 0 = none yet
  std::int64_t operations = 0;           // what the engine will have counted if nobody else writes
  bool intent_open = false;              // a run that needs more than one transaction has not ended
  std::optional<Checkpoint> checkpoint;
  bool operator==(const State&) const = default;
};

enum class Schema { none, older, ours, newer };

// What the engine found when it looked.
struct Facts {
  Schema schema = Schema::none;          // none: there is no index or state of ours
  bool tampered = false;                 // only a rebuild helps (DESIGN: the decision)
  std::optional<State> state;            // set when schema == ours
  bool check_holds = false;              // the engine has seen exactly the operations that the state counts
  std::string check_detail;              // why it does not: "the state counts 10 operations, the index has seen 12"
  bool writable = true;                  // false: another agent holds the lease; stand by
  bool leading = true;                   // we hold the lease, or there is none to hold; false with writable: it is vacant, and lead() takes it
  Duration vacant{0};                    // for how long this process has seen it so
  Duration vacant_in{0};                 // of another's lease: when it will be, if it is not renewed
  std::string holder;                    // who, if known
  std::int64_t documents = 0;
  std::int64_t quarantined = 0;
};

}  // namespace tidemark::ingest
