// The heart of the program: what the next run has to do. A pure function.
#pragma once

#include <optional>
#include <string_view>
#include <string>

#include "git/oid.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest {

enum class Mode { up_to_date, diff, audit, rebuild, stand_by };
enum class Resync { rewrite, audit };

std::string_view name_of(Mode mode);  // "up-to-date", "diff", "audit", "rebuild", "stand-by"
std::string_view name_of(Resync resync);

struct DecisionInput {
  git::Oid target;                 // the commit that the index should hold
  std::string settings;            // as Checkpoint::settings, of the running agent
  int parser_version = 0;
  Facts facts;
  bool old_tree_known = false;     // the checkpoint's tree can still be read
  std::optional<Resync> forced;    // an operator's POST /api/v1/resync
};

struct Decision {
  Mode mode = Mode::stand_by;
  std::string reason;  // for people: "the checkpoint is 1f3a…, the target 9c0d…"
  bool operator==(const Decision&) const = default;
};

// Rules in order: no lease -> stand by; a newer schema -> stand by (unless a rewrite is forced); none, older or tampered -> rebuild; forced rewrite -> rebuild; forced audit, an open intent, a failed check,
// changed settings or parser, no checkpoint -> audit; checkpoint == target -> up to date; old tree known -> diff; otherwise audit.
Decision decide(const DecisionInput& input);

}  // namespace tidemark::ingest
