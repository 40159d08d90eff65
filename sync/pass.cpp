// One pass of the sidecar, as ordered steps: resolve, fetch, publish, tell, tidy up. The type of an error decides what the loop does next.
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/memory.hpp"
#include "git/error.hpp"
#include "sync/hooks/publish_gate.hpp"
#include "sync/remote/ref_check.hpp"
#include "sync/synchronizer.hpp"

namespace tidemark::sync {

namespace {

// So many revisions' objects stay, for consumers that compare trees.
constexpr std::size_t kept_revisions = 16;

// So many small packs gather before they become one.
std::optional<std::size_t> small_packs(Packing packing) {
  if (packing == Packing::off) return std::nullopt;
  return packing == Packing::automatic ? 50 : packing == Packing::aggressive ? 5 : 20;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

// Objects that turn out to be damaged are fetched anew, into a new repository, once for each state of the remote.
Synchronizer::Outcome Synchronizer::pass(std::stop_token stop) {
  const auto start = Clock::now();
  hooks_.reap_orphans();
  const bool is_new = publish_approved();
  if (publisher_.has_expired()) publisher_.clean(stop);
  if (!store_) store_.emplace(repository_.git_directory());
  if (is_verified_ && next_sweep_ && Clock::now() >= *next_sweep_) sweep(stop);
  const RemoteRef remote = fetcher_.resolve(stop);
  remote_at_ = remote.oid;
  Outcome outcome;
  try {
    outcome = bring(remote, start, stop);
  } catch (const git::Malformed& tree) {
    throw StalledError(std::string("the revision can't be published: ") + tree.what());
  } catch (const git::Error& damage) {
    if (repaired_for_ == remote.oid) throw;
    start_afresh(damage.what());
    repaired_for_ = remote.oid;
    outcome = bring(remote, start, stop);
  }
  if (!repository_.is_being_replaced()) repaired_for_ = {};
  return is_new ? Outcome::published : outcome;
}

void Synchronizer::start_afresh(const std::string& why) {
  repository_.start_afresh(why);
  store_.reset();
  store_.emplace(repository_.git_directory());
}

Synchronizer::Outcome Synchronizer::bring(const RemoteRef& remote, Clock::time_point start, std::stop_token stop) {
  const auto known = known_commit(remote);
  const bool is_live = known && publisher_.published() == known && !repository_.is_being_replaced();
  PublishGate* const gate = hooks_.gate();
  if (is_live && gate != nullptr) gate->withdraw();
  if (!is_live && known && gate != nullptr && gate->is_asked(known->hex())) return Outcome::unchanged;
  if (is_live && is_verified_) {
    if (is_untidy_) tidy_up(*known, stop);
    return Outcome::unchanged;
  }
  if (is_full_) clean_up(stop);
  const git::Oid commit = is_live && store_->contains(*known) && !fetcher_.is_due_for_depth() ? *known : fetched(remote, stop);
  const auto before = publisher_.linked();
  const std::string previous = before && *before != commit ? before->hex() : "";
  return publish({commit.hex(), remote.name.empty() ? settings_.ref : remote.name, previous}, commit, start, stop);
}

Synchronizer::Outcome Synchronizer::publish(const Notice& notice, const git::Oid& commit, Clock::time_point start, std::stop_token stop) {
  const auto checkout_start = Clock::now();
  const bool was_linked = publisher_.linked() == commit && !publisher_.follows_other_rules();
  const auto counts = prepared(commit, stop);
  const double checkout_seconds = seconds_since(checkout_start);
  if (counts && publisher_.published() != commit) {  // the link may also name the commit in a place that is not ours
    if (is_held_back(notice, stop)) return Outcome::unchanged;
    if (!publisher_.flip(commit)) throw TransientError("the tree of " + notice.commit + " vanished before it was published");
  }
  const bool is_first = !is_verified_;
  verified();
  const bool is_repair = counts && was_linked && !is_first;
  if (is_repair)
    repaired(notice);
  else if (counts || is_first)
    announce(notice);
  if (counts && !is_repair)
    log_.info("published revision", {{"commit", notice.commit},
                                     {"ref", notice.ref},
                                     {"previous", notice.previous},
                                     {"seconds", seconds_since(start)},
                                     {"checkout_seconds", checkout_seconds},
                                     {"files_written", counts->written},
                                     {"files_shared", counts->linked}});
  else if (is_first)
    log_.info("revision is published already", {{"commit", notice.commit}, {"ref", notice.ref}});
  tidy_up(commit, stop);
  return counts ? Outcome::published : Outcome::unchanged;
}

std::optional<CheckoutCounts> Synchronizer::prepared(const git::Oid& commit, std::stop_token stop) {
  const git::Revision revision = store_->revision(commit);
  const auto submodules = submodules_.bring(*store_, revision, stop);
  return publisher_.prepare(tree_parts(*store_, revision, repository_.git_directory(), submodules), std::move(stop));
}

// What is live, file by file, also while the remote is away. What can't be repaired here (an object is missing) is left to the pass that follows.
void Synchronizer::sweep(std::stop_token stop) {
  const auto live = publisher_.linked();
  if (!live) return;
  try {
    const auto counts = prepared(*live, stop);
    verified();
    if (counts) repaired({live->hex(), current() ? current()->ref : settings_.ref, ""});
  } catch (const std::exception& error) {
    is_verified_ = false;  // before the next pass looks again it asks the remote: what is wrong may be mended there
    if (stop.stop_requested()) throw;
    log_.warning("could not look through the live tree", {{"commit", live->hex()}, {"error", error.what()}});
  }
}

void Synchronizer::verified() {
  is_verified_ = true;
  if (settings_.sweep_period.count() > 0) next_sweep_ = Clock::now() + settings_.sweep_period;
}

// Consumers were told of this commit, and for whoever reads through the link it never was another: the webhook is not called. What a program made of
// the old files is gone with them.
void Synchronizer::repaired(const Notice& notice) {
  is_untidy_ = true;
  progress_.repaired();
  log_.warning("repaired the live tree", {{"commit", notice.commit}});
  if (!settings_.one_time) hooks_.tree_is_made_again(notice);
}

// The tree is made, and the pre-publish hook has not approved of it yet.
bool Synchronizer::is_held_back(const Notice& notice, std::stop_token stop) {
  PublishGate* const gate = hooks_.gate();
  if (gate == nullptr) return false;
  if (!settings_.one_time) {
    gate->ask(notice);
    publisher_.hold(gate->held());
    publisher_.clean(std::move(stop));  // of earlier ones that it never approved of
    log_.info("revision waits for the pre-publish hook", {{"commit", notice.commit}, {"ref", notice.ref}});
    const auto live = is_waiting_for_first() ? publisher_.published() : std::nullopt;
    if (live) announce({live->hex(), notice.ref, ""});  // after a restart: it serves, whatever becomes of the newer one
    return true;
  }
  try {
    gate->ask_once(notice, ending_);
    return false;
  } catch (const TransientError& error) {
    throw Veto(std::string("the pre-publish hook failed, and nothing is published: ") + error.what());
  }
}

// What the pre-publish hook has approved of since the last pass. Whatever the remote has by now: this was its revision, and the next one follows.
bool Synchronizer::publish_approved() {
  PublishGate* const gate = hooks_.gate();
  auto approved = gate == nullptr ? std::nullopt : gate->take_approved();
  if (!approved) return false;
  const auto before = publisher_.linked();
  if (!publisher_.flip(*git::Oid::parse(approved->commit))) {
    log_.warning("the tree that the pre-publish hook approved of is gone, and made again", {{"commit", approved->commit}});
    return false;
  }
  approved->previous = before ? before->hex() : "";
  verified();
  is_untidy_ = true;
  announce(*approved);
  log_.info("published revision", {{"commit", approved->commit}, {"ref", approved->ref}, {"previous", approved->previous}});
  return true;
}

// What the remote's ref is, as far as it can be told without fetching. A branch's id is its commit's; an annotated tag's is not.
std::optional<git::Oid> Synchronizer::known_commit(const RemoteRef& remote) const {
  if (remote.oid == publisher_.linked()) return remote.oid;
  if (!store_->contains(remote.oid)) return std::nullopt;
  return store_->revision(remote.oid).commit;
}

// What an earlier pass left lying about, and when that one had no room: all that can be spared.
void Synchronizer::clean_up(std::stop_token stop) {
  if (is_untidy_) publisher_.clean_and_wait(stop, is_full_ ? Space::is_short : Space::enough);
  is_full_ = false;
}

git::Oid Synchronizer::fetched(const RemoteRef& remote, std::stop_token stop) {
  clean_up(stop);
  publisher_.make_room(stop);
  metrics_.counter("git_fetch_count_total", "How many fetches there were").increment();
  try {
    const git::Oid commit = fetcher_.fetch(remote, std::move(stop));
    store_.reset();
    store_.emplace(repository_.git_directory());
    return commit;
  } catch (const TransientError&) {
    check_refs(repository_.get());
    throw;
  }
}

void Synchronizer::announce(const Notice& notice) {
  progress_.published(notice);
  if (!settings_.one_time) hooks_.announce(notice);
}

// What a pass leaves to do once its revision is live. A failure is tried again in the next pass and does not undo the success.
void Synchronizer::tidy_up(const git::Oid& live, std::stop_token stop) {
  is_untidy_ = true;
  try {
    repository_.keep(live, kept_revisions);
    if (PublishGate* const gate = hooks_.gate()) publisher_.hold(gate->held());
    if (settings_.one_time)
      publisher_.clean_and_wait(stop);
    else
      publisher_.clean(stop);
    if (const auto limit = small_packs(settings_.packing)) repository_.consolidate_packs(*limit, needed_objects(), stop);
    submodules_.tidy(small_packs(settings_.packing), stop);
    store_->refresh();
    release_free_memory();
    is_untidy_ = false;
  } catch (const std::exception& error) {
    log_.warning("could not tidy up after publishing", {{"error", error.what()}});
  }
}

// That no ref names: the tag that is followed, and what the pre-publish hook has not approved of yet.
std::vector<git::Oid> Synchronizer::needed_objects() {
  std::vector<git::Oid> needed{remote_at_};
  if (const PublishGate* const gate = hooks_.gate())
    for (const std::string& commit : gate->held()) needed.push_back(*git::Oid::parse(commit));
  return needed;
}

}  // namespace tidemark::sync
