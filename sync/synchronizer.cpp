#include "sync/synchronizer.hpp"

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include "daemon/backoff.hpp"
#include "daemon/error.hpp"
#include "daemon/memory.hpp"

namespace tidemark::sync {

namespace {

// So many revisions' objects stay, for consumers that compare trees.
constexpr std::size_t kept_revisions = 16;

// So many small packs gather before they become one.
std::optional<std::size_t> small_packs(Packing packing) {
  if (packing == Packing::off) return std::nullopt;
  return packing == Packing::automatic ? 50 : packing == Packing::aggressive ? 5 : 20;
}

double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

// A stop token that is also asked to stop when the time is over.
class Limit {
 public:
  Limit(std::stop_token outer, Duration limit)
      : outer_(std::move(outer), [this] { source_.request_stop(); }), timer_([this, deadline = Wakeup::Clock::now() + limit](std::stop_token done) {
          if (Wakeup().wait_until(deadline, std::move(done)) != Wakeup::Cause::deadline) return;
          passed_ = true;
          source_.request_stop();
        }) {}
  std::stop_token token() const { return source_.get_token(); }
  bool passed() const { return passed_; }

 private:
  std::stop_source source_;
  std::atomic<bool> passed_ = false;
  std::stop_callback<std::function<void()>> outer_;
  std::jthread timer_;
};

std::unique_ptr<Webhook> make_webhook(const SyncSettings& settings, Metrics& metrics, Log& log) {
  if (settings.webhook_url.empty()) return nullptr;
  const Backoff backoff{.first = settings.webhook_backoff, .limit = std::max<Duration>(settings.webhook_backoff, std::chrono::minutes(1))};
  return std::make_unique<Webhook>(Webhook::Settings{settings.webhook_url, settings.webhook_timeout, backoff}, metrics, log);
}

std::function<void(bool)> askpass_counter(const SyncSettings& settings, Metrics& metrics) {
  if (settings.askpass_url.empty()) return {};
  const auto counter = [&](const char* status) { return &metrics.counter("git_sync_askpass_calls", "How many times --askpass-url was called, by the outcome", {{"status", status}}); };
  return [succeeded = counter("success"), failed = counter("error")](bool success) { (success ? succeeded : failed)->increment(); };
}

}  // namespace

Synchronizer::Synchronizer(const SyncSettings& settings, Wakeup& wakeup, Metrics& metrics, Log& log)
    : settings_(settings),
      wakeup_(wakeup),
      metrics_(metrics),
      log_(log),
      root_lock_(settings.root, log),
      publisher_(settings.root, settings.link, settings.checkout, log),
      repository_(settings.root, settings.repo, log),
      fetcher_(settings, repository_, log, askpass_counter(settings, metrics)),
      store_(std::in_place, repository_.git_directory()),
      webhook_(make_webhook(settings, metrics, log)) {}

Synchronizer::Outcome Synchronizer::sync_once(std::stop_token stop) {
  const auto start = Clock::now();
  pass_began_ = start.time_since_epoch().count();
  const auto count = [&](const char* status) {
    pass_began_ = 0;
    metrics_.summary("git_sync_duration_seconds", "How long a pass took, by its outcome", {{"status", status}}).observe(seconds_since(start));
    metrics_.counter("git_sync_count_total", "How many passes there were, by their outcome", {{"status", status}}).increment();
  };
  try {
    const Outcome outcome = timed_pass(std::move(stop));
    count(outcome == Outcome::published ? "success" : "noop");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    metrics_.gauge("tidemark_sync_last_success_timestamp_seconds", "When the last pass without an error ended").set(std::chrono::duration<double>(now).count());
    return outcome;
  } catch (...) {
    count("error");
    is_untidy_ = true;
    throw;
  }
}

Synchronizer::Outcome Synchronizer::timed_pass(std::stop_token stop) {
  const Limit limit(std::move(stop), settings_.sync_timeout);
  try {
    return pass(limit.token());
  } catch (const std::exception& error) {
    if (!limit.passed()) throw;
    throw TransientError("took longer than --sync-timeout=" + format_duration(settings_.sync_timeout) + ": " + error.what());
  }
}

// Objects that turn out to be damaged are fetched anew, into a new repository, once for each state of the remote.
Synchronizer::Outcome Synchronizer::pass(std::stop_token stop) {
  const auto start = Clock::now();
  if (!store_) start_afresh("its replacement was not completed");
  const RemoteRef remote = fetcher_.resolve(stop);
  try {
    return bring(remote, start, stop);
  } catch (const git::Error& damage) {
    if (repaired_for_ == remote.oid) throw;
    repaired_for_ = remote.oid;
    start_afresh(damage.what());
    return bring(remote, start, stop);
  }
}

void Synchronizer::start_afresh(const std::string& why) {
  store_.reset();
  repository_.start_afresh(why);
  store_.emplace(repository_.git_directory());
}

Synchronizer::Outcome Synchronizer::bring(const RemoteRef& remote, Clock::time_point start, std::stop_token stop) {
  const auto known = known_commit(remote);
  const bool is_live = known && publisher_.published() == known;
  if (is_live && is_verified_) {
    if (is_untidy_) tidy_up(*known, stop);
    return Outcome::unchanged;
  }
  const git::Oid commit = is_live && store_->contains(*known) ? *known : fetched(remote, stop);
  const auto before = publisher_.linked();
  const auto checkout_start = Clock::now();
  const auto counts = publisher_.publish(*store_, store_->revision(commit), stop);
  const double checkout_seconds = seconds_since(checkout_start);
  const bool is_first = !is_verified_;
  is_verified_ = true;
  if (counts || is_first) announce(remote, commit, before);
  if (counts)
    log_.info("published revision", {{"commit", commit.hex()}, {"ref", remote.name}, {"previous", before ? before->hex() : ""}, {"seconds", seconds_since(start)}, {"checkout_seconds", checkout_seconds},
                                     {"files_written", counts->written}, {"files_shared", counts->linked}});
  else if (is_first)
    log_.info("revision is published already", {{"commit", commit.hex()}, {"ref", remote.name}});
  tidy_up(commit, stop);
  return counts ? Outcome::published : Outcome::unchanged;
}

// What the remote's ref is, as far as it can be told without fetching. A branch's id is its commit's; an annotated tag's is not.
std::optional<git::Oid> Synchronizer::known_commit(const RemoteRef& remote) const {
  if (remote.oid == publisher_.linked()) return remote.oid;
  if (!store_->contains(remote.oid)) return std::nullopt;
  return store_->revision(remote.oid).commit;
}

git::Oid Synchronizer::fetched(const RemoteRef& remote, std::stop_token stop) {
  if (is_untidy_) publisher_.clean_and_wait(stop);
  metrics_.counter("git_fetch_count_total", "How many fetches there were").increment();
  const git::Oid commit = fetcher_.fetch(remote, std::move(stop));
  store_->refresh();
  return commit;
}

void Synchronizer::announce(const RemoteRef& remote, const git::Oid& commit, const std::optional<git::Oid>& before) {
  const Notice notice{commit.hex(), remote.name.empty() ? settings_.ref : remote.name, before && *before != commit ? before->hex() : ""};
  {
    const std::lock_guard lock(mutex_);
    current_ = notice;
  }
  ready_ = true;
  if (webhook_ && !settings_.one_time) webhook_->send(notice);
}

// What a pass leaves to do once its revision is live. A failure is tried again in the next pass and does not undo the success.
void Synchronizer::tidy_up(const git::Oid& live, std::stop_token stop) {
  is_untidy_ = true;
  try {
    repository_.keep(live, kept_revisions);
    if (settings_.one_time)
      publisher_.clean_and_wait(stop);
    else
      publisher_.clean(stop);
    if (const auto limit = small_packs(settings_.packing)) repository_.consolidate_packs(*limit);
    store_->refresh();
    release_free_memory();
    is_untidy_ = false;
  } catch (const std::exception& error) {
    log_.warning("could not tidy up after publishing", {{"error", error.what()}});
  }
}

int Synchronizer::loop(std::stop_token stop) {
  for (std::int64_t failures = 0;;) {
    Duration delay = settings_.period;
    try {
      sync_once(stop);
      failures = 0;
      if (settings_.one_time) return deliver_once();
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return settings_.one_time ? 1 : 0;
      failures++;
      if (gives_up(failures)) {
        log_.error("sync failed, giving up", {{"error", error.what()}, {"failures", failures}});
        return 1;
      }
      delay = delay_after(failures);
      log_.error("sync failed", {{"error", error.what()}, {"failures", failures}, {"retry_in", format_duration(delay)}});
    }
    if (wakeup_.wait_until(Wakeup::Clock::now() + delay, stop) == Wakeup::Cause::stopped) return 0;
  }
}

bool Synchronizer::gives_up(std::int64_t failures) const { return !ready_ && settings_.max_failures >= 0 && failures >= settings_.max_failures; }

// Before the first success every period, since --max-failures counts in periods; afterwards soon, then ever more seldom.
Duration Synchronizer::delay_after(std::int64_t failures) const {
  if (!ready_) return settings_.period;
  const Backoff backoff{.first = std::min<Duration>(settings_.period, std::chrono::seconds(1)), .limit = std::max<Duration>(settings_.period, std::chrono::minutes(1))};
  return backoff.delay(static_cast<int>(std::min<std::int64_t>(failures, 1000)), random_unit());
}

int Synchronizer::deliver_once() {
  if (!webhook_) return 0;
  try {
    webhook_->deliver_once(*current());
    return 0;
  } catch (const TransientError& error) {
    log_.error("webhook failed; the revision stays published", {{"error", error.what()}});
    return 1;
  }
}

void Synchronizer::hint() { wakeup_.notify(); }

bool Synchronizer::ready() const { return ready_; }

bool Synchronizer::healthy() const {
  const Clock::rep began = pass_began_;
  return began == 0 || Clock::now() - Clock::time_point(Clock::duration(began)) < 2 * settings_.sync_timeout + std::chrono::minutes(1);
}

std::optional<Notice> Synchronizer::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace tidemark::sync
