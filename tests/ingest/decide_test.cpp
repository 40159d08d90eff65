// Every combination of the decision's inputs, against properties that were written down apart from the code, and a table of telling cases.
#include "ingest/decide.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tidemark::ingest;
using tidemark::git::Oid;

namespace {

const Oid commit_a = *Oid::parse("1111111111111111111111111111111111111111");
const Oid commit_b = *Oid::parse("2222222222222222222222222222222222222222");

// An index of ours, at commit_a, whose check holds, with nothing changed.
DecisionInput settled() {
  DecisionInput input;
  input.target = commit_a;
  input.settings = "s";
  input.parser_version = 1;
  input.facts.schema = Schema::ours;
  input.facts.check_holds = true;
  input.facts.state =
      State{.schema = 1, .source = {"docs", "host/docs"}, .generation = 1000, .operations = 10, .intent_open = false, .checkpoint = {}};
  input.facts.state->checkpoint = Checkpoint{.commit = commit_a, .tree = commit_b, .committed_at = 1, .settings = "s", .parser_version = 1};
  input.old_tree_known = true;
  return input;
}

struct Case {
  const char* name;
  Mode mode;
  void (*change)(DecisionInput&);
};

const std::vector<Case> cases = {
    {"nothing is new", Mode::up_to_date, [](DecisionInput&) {}},
    {"nothing is new and the tree was pruned", Mode::up_to_date, [](DecisionInput& in) { in.old_tree_known = false; }},
    {"a new commit", Mode::diff, [](DecisionInput& in) { in.target = commit_b; }},
    {"a new commit, the old tree pruned", Mode::audit,
     [](DecisionInput& in) {
       in.target = commit_b;
       in.old_tree_known = false;
     }},
    {"settings changed", Mode::audit, [](DecisionInput& in) { in.settings = "t"; }},
    {"settings changed together with the commit", Mode::audit,
     [](DecisionInput& in) {
       in.settings = "t";
       in.target = commit_b;
     }},
    {"parser changed", Mode::audit, [](DecisionInput& in) { in.parser_version = 2; }},
    {"an older parser came back", Mode::audit, [](DecisionInput& in) { in.parser_version = 0; }},
    {"the check fails", Mode::audit, [](DecisionInput& in) { in.facts.check_holds = false; }},
    {"the check fails and there is a new commit", Mode::audit,
     [](DecisionInput& in) {
       in.facts.check_holds = false;
       in.target = commit_b;
     }},
    {"an open intent", Mode::audit, [](DecisionInput& in) { in.facts.state->intent_open = true; }},
    {"a first run that did not end", Mode::audit,
     [](DecisionInput& in) {
       in.facts.state->checkpoint.reset();
       in.facts.state->intent_open = true;
     }},
    {"no checkpoint", Mode::audit, [](DecisionInput& in) { in.facts.state->checkpoint.reset(); }},
    {"an audit is asked for", Mode::audit, [](DecisionInput& in) { in.forced = Resync::audit; }},
    {"an audit is asked for with a new commit", Mode::audit,
     [](DecisionInput& in) {
       in.forced = Resync::audit;
       in.target = commit_b;
     }},
    {"an audit is asked for, settings and parser changed", Mode::audit,
     [](DecisionInput& in) {
       in.forced = Resync::audit;
       in.settings = "t";
       in.parser_version = 2;
     }},
    {"a rewrite is asked for", Mode::rebuild, [](DecisionInput& in) { in.forced = Resync::rewrite; }},
    {"a rewrite is asked for, settings and parser changed", Mode::rebuild,
     [](DecisionInput& in) {
       in.forced = Resync::rewrite;
       in.settings = "t";
       in.parser_version = 2;
     }},
    {"a rewrite is asked for over an open intent", Mode::rebuild,
     [](DecisionInput& in) {
       in.forced = Resync::rewrite;
       in.facts.state->intent_open = true;
     }},
    {"no index", Mode::rebuild,
     [](DecisionInput& in) {
       in.facts.schema = Schema::none;
       in.facts.state.reset();
       in.facts.check_holds = false;
     }},
    {"no index, an audit is asked for", Mode::rebuild,
     [](DecisionInput& in) {
       in.facts.schema = Schema::none;
       in.facts.state.reset();
       in.forced = Resync::audit;
     }},
    {"an older schema", Mode::rebuild,
     [](DecisionInput& in) {
       in.facts.schema = Schema::older;
       in.facts.state.reset();
     }},
    {"a newer schema", Mode::stand_by,
     [](DecisionInput& in) {
       in.facts.schema = Schema::newer;
       in.facts.state.reset();
     }},
    {"a newer schema, an audit is asked for", Mode::stand_by,
     [](DecisionInput& in) {
       in.facts.schema = Schema::newer;
       in.facts.state.reset();
       in.forced = Resync::audit;
     }},
    {"a newer schema, a rewrite is asked for", Mode::rebuild,
     [](DecisionInput& in) {
       in.facts.schema = Schema::newer;
       in.facts.state.reset();
       in.forced = Resync::rewrite;
     }},
    {"tampering", Mode::rebuild, [](DecisionInput& in) { in.facts.tampered = true; }},
    {"tampering, an audit is asked for", Mode::rebuild,
     [](DecisionInput& in) {
       in.facts.tampered = true;
       in.forced = Resync::audit;
     }},
    {"no lease", Mode::stand_by, [](DecisionInput& in) { in.facts.writable = false; }},
    {"no lease, a rewrite is asked for", Mode::stand_by,
     [](DecisionInput& in) {
       in.facts.writable = false;
       in.forced = Resync::rewrite;
     }},
    {"no lease and no index", Mode::stand_by,
     [](DecisionInput& in) {
       in.facts.writable = false;
       in.facts.schema = Schema::none;
       in.facts.state.reset();
     }},
};

// Calls `visit` with every combination of what decide() looks at.
template <typename Visit>
std::size_t every_input(Visit visit) {
  std::size_t count = 0;
  for (const bool writable : {false, true})
    for (const auto schema : {Schema::none, Schema::older, Schema::ours, Schema::newer})
      for (const bool has_state : {false, true})
        for (const bool tampered : {false, true})
          for (const int forced : {0, 1, 2})
            for (const bool intent : {false, true})
              for (const bool check : {false, true})
                for (const bool has_checkpoint : {false, true})
                  for (const bool same_commit : {false, true})
                    for (const bool same_settings : {false, true})
                      for (const bool same_parser : {false, true})
                        for (const bool known : {false, true}) {
                          auto input = settled();
                          input.facts.writable = writable;
                          input.facts.schema = schema;
                          input.facts.tampered = tampered;
                          if (forced == 1) input.forced = Resync::audit;
                          if (forced == 2) input.forced = Resync::rewrite;
                          input.facts.state->intent_open = intent;
                          input.facts.check_holds = check;
                          if (!has_checkpoint) input.facts.state->checkpoint.reset();
                          if (!has_state) input.facts.state.reset();
                          if (!same_commit) input.target = commit_b;
                          if (!same_settings) input.settings = "t";
                          if (!same_parser) input.parser_version = 2;
                          input.old_tree_known = known;
                          visit(input);
                          ++count;
                        }
  return count;
}

bool usable(const DecisionInput& in) { return in.facts.schema == Schema::ours && in.facts.state && !in.facts.tampered; }

// Nothing tells us that the documents differ from those of the checkpoint.
bool trusted(const DecisionInput& in) {
  return usable(in) && !in.facts.state->intent_open && in.facts.check_holds && in.facts.state->checkpoint &&
         in.facts.state->checkpoint->settings == in.settings && in.facts.state->checkpoint->parser_version == in.parser_version;
}

}  // namespace

TEST_CASE("the table of cases") {
  for (const auto& row : cases) {
    CAPTURE(row.name);
    auto input = settled();
    row.change(input);
    const auto decision = decide(input);
    CHECK(name_of(decision.mode) == name_of(row.mode));
    CHECK_FALSE(decision.reason.empty());
  }
}

TEST_CASE("every combination of inputs obeys the rules") {
  const auto count = every_input([](const DecisionInput& in) {
    const auto mode = decide(in).mode;
    // Without the lease nothing is ever written.
    if (!in.facts.writable) CHECK(mode == Mode::stand_by);
    // One stands by only without the lease, or under a newer schema.
    if (mode == Mode::stand_by) CHECK((!in.facts.writable || in.facts.schema == Schema::newer));
    // An index of a newer version is never touched, unless a rewrite is forced.
    if (in.facts.schema == Schema::newer && in.forced != Resync::rewrite) CHECK(mode == Mode::stand_by);
    // A cheap mode needs an index that can be trusted, and that nobody wants looked at.
    if (mode == Mode::diff || mode == Mode::up_to_date) CHECK((trusted(in) && !in.forced));
    // A diff needs both trees and somewhere to go.
    if (mode == Mode::diff) CHECK((in.old_tree_known && in.facts.state->checkpoint->commit != in.target));
    if (mode == Mode::up_to_date) CHECK(in.facts.state->checkpoint->commit == in.target);
    // An audit needs an index whose listing means something.
    if (mode == Mode::audit) CHECK(usable(in));
    // A rewrite rewrites.
    if (in.facts.writable && in.forced == Resync::rewrite) CHECK(mode == Mode::rebuild);
    // A rebuild is for what cannot be audited, or by an operator's word: a failed check alone is never its reason.
    if (mode == Mode::rebuild) CHECK((!usable(in) || in.forced == Resync::rewrite));
    // Nothing dearer than needed.
    if (in.facts.writable && trusted(in) && !in.forced) {
      if (in.target == in.facts.state->checkpoint->commit)
        CHECK(mode == Mode::up_to_date);
      else
        CHECK(mode == (in.old_tree_known ? Mode::diff : Mode::audit));
    }
    // What can be audited and must be looked at, is.
    if (in.facts.writable && usable(in) && in.forced != Resync::rewrite && (!trusted(in) || in.forced)) CHECK(mode == Mode::audit);
  });
  CHECK(count == 2 * 4 * 2 * 2 * 3 * 128);
}

TEST_CASE("the reason for a rebuild says what the engine knows of the tampering") {
  auto input = settled();
  input.facts.tampered = true;
  input.facts.check_detail = "somebody did this";
  CHECK(decide(input).reason == "the index was tampered with: somebody did this");
}

TEST_CASE("the reason names both commits") {
  auto input = settled();
  input.target = commit_b;
  const auto reason = decide(input).reason;
  CHECK(reason.find("111111111111") != std::string::npos);
  CHECK(reason.find("222222222222") != std::string::npos);
}
