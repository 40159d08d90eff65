// The rules in their order of precedence; each reason is a sentence for an operator.
#include "ingest/decide.hpp"

#include <fmt/format.h>

#include <utility>

namespace tidemark::ingest {

namespace {

std::string abbreviated(const git::Oid& oid) { return oid.hex().substr(0, 12); }

Decision stand_by(const DecisionInput& input) {
  return {Mode::stand_by, input.facts.holder.empty() ? std::string("another agent holds the lease") : "the lease is held by " + input.facts.holder};
}

// Why the index has to be made from nothing, or nothing.
std::optional<std::string> rebuild_reason(const DecisionInput& input) {
  const auto& facts = input.facts;
  if (facts.schema == Schema::older) return "the index has an older schema";
  if (facts.schema == Schema::none || !facts.state) return "there is no index of this source yet";
  if (facts.tampered) return "the index was tampered with" + (facts.check_detail.empty() ? "" : ": " + facts.check_detail);
  if (input.forced == Resync::rewrite) return "a rewrite was asked for";
  return std::nullopt;
}

// Why the index has to be compared with the tree, document by document, or nothing.
std::optional<std::string> audit_reason(const DecisionInput& input) {
  const auto& state = *input.facts.state;
  if (input.forced == Resync::audit) return "an audit was asked for";
  if (state.intent_open) return "an earlier run did not end";
  if (!input.facts.check_holds) return "somebody else wrote to the index: " + input.facts.check_detail;
  if (!state.checkpoint) return "the index has no checkpoint";
  if (state.checkpoint->parser_version != input.parser_version) {
    return fmt::format("the parser's version was {} and is {}", state.checkpoint->parser_version, input.parser_version);
  }
  if (state.checkpoint->settings != input.settings) return "the settings that select files have changed";
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::up_to_date:
      return "up-to-date";
    case Mode::diff:
      return "diff";
    case Mode::audit:
      return "audit";
    case Mode::rebuild:
      return "rebuild";
    case Mode::stand_by:
      return "stand-by";
  }
  return "unknown";
}

std::string_view name_of(Resync resync) { return resync == Resync::rewrite ? "rewrite" : "audit"; }

Decision decide(const DecisionInput& input) {
  if (!input.facts.writable) return stand_by(input);
  if (input.facts.schema == Schema::newer) {
    if (input.forced == Resync::rewrite) return {Mode::rebuild, "a rewrite was asked for, over an index of a newer schema"};
    return {Mode::stand_by, "the index has a newer schema: another version of Tidemark wrote it"};
  }
  if (auto reason = rebuild_reason(input)) return {Mode::rebuild, std::move(*reason)};
  if (auto reason = audit_reason(input)) return {Mode::audit, std::move(*reason)};

  const auto& checkpoint = *input.facts.state->checkpoint;
  if (checkpoint.commit == input.target) return {Mode::up_to_date, "the checkpoint is the target"};
  const auto distance = "the checkpoint is " + abbreviated(checkpoint.commit) + ", the target " + abbreviated(input.target);
  if (input.old_tree_known) return {Mode::diff, distance};
  return {Mode::audit, distance + ", and the checkpoint's tree is no longer in the repository"};
}

}  // namespace tidemark::ingest
