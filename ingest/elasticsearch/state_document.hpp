// The state as one document of the index that it speaks of (docs/formats.md). Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/units.hpp"
#include "ingest/document.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest::elasticsearch {

inline constexpr std::string_view state_id = "tidemark-state";

// Who may write. A standby watches `renewals` by its own clock: the times of two machines are never compared.
struct Lease {
  std::string holder;           // one process's own random name; "" = given back
  std::string holder_name;      // for people: host name and process id
  std::int64_t renewals = 0;    // grows with every renewal
  Duration duration{0};
  bool operator==(const Lease&) const = default;
};

struct StateDocument {
  State state;
  Lease lease;
  std::string history;                  // the shards' history uuids when the state was written; another one: a restore
  std::vector<Quarantined> refused;     // the few that the engine refused even as stubs; at most max_refused
  bool operator==(const StateDocument&) const = default;
};

inline constexpr std::size_t max_refused = 100;

std::string to_json(const StateDocument& document);
// Nothing for what is not a state of this schema: damaged, or of another version. `schema` is set whenever it can be read.
std::optional<StateDocument> state_from_json(std::string_view source_json, int* schema);
std::optional<StateDocument> state_of(const nlohmann::json& source, int* schema);

}  // namespace tidemark::ingest::elasticsearch
