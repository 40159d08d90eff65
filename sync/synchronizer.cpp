#include "sync/synchronizer.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/backoff.hpp"
#include "daemon/error.hpp"
#include "sync/remote/remote_metrics.hpp"
#include "sync/settings/publishing_settings.hpp"
#include "sync/status.hpp"
#include "sync/time_limit.hpp"

namespace tidemark::sync {

namespace {

// libgit2 has but words for it.
bool tells_of_no_space(const std::exception& error) {
  const auto says = [&](int code) { return std::string_view(error.what()).find(std::generic_category().message(code)) != std::string_view::npos; };
  return dynamic_cast<const NoSpace*>(&error) != nullptr || says(ENOSPC) || says(EDQUOT);
}

}  // namespace

Synchronizer::Synchronizer(const SyncSettings& settings, Wakeup& wakeup, Metrics& metrics, Log& log)
    : settings_(settings),
      wakeup_(wakeup),
      metrics_(metrics),
      log_(log),
      progress_(settings, metrics, log),
      root_lock_(settings.root, log),
      publisher_(settings.root, settings.link, tree_settings(settings), log),
      hooks_(
          settings, [this](const std::string& commit) { return publisher_.tree(commit); }, wakeup, metrics, log),
      repository_(settings.root, settings.repo, log),
      network_(settings, remote_calls(settings, metrics, progress_)),
      fetcher_(settings, {settings.repo, settings.ref, settings.depth}, network_, repository_, log),
      submodules_(settings, repository_.root() / ".git", network_, log),
      store_(std::in_place, repository_.git_directory()) {}

Synchronizer::Outcome Synchronizer::sync_once(std::stop_token stop) {
  progress_.pass_begins();
  try {
    const Outcome outcome = timed_pass(stop);
    progress_.pass_succeeded(outcome == Outcome::published);
    return outcome;
  } catch (const std::exception& error) {
    if (!stop.stop_requested()) progress_.pass_failed(error.what());
    is_untidy_ = true;
    is_full_ = is_full_ || tells_of_no_space(error);
    throw;
  }
}

Synchronizer::Outcome Synchronizer::timed_pass(std::stop_token stop) {
  const TimeLimit limit(network_.alarm, stop, settings_.sync_timeout);
  ending_ = std::move(stop);
  try {
    return pass(limit.token());
  } catch (const Veto&) {
    throw;
  } catch (const std::exception& error) {
    if (!limit.passed()) throw;
    throw TransientError("took longer than --sync-timeout=" + format_duration(settings_.sync_timeout) + ": " + error.what());
  }
}

int Synchronizer::loop(std::stop_token stop) {
  for (std::int64_t failures = 0;;) {
    Duration delay = settings_.period;
    try {
      sync_once(stop);
      failures = 0;
      if (is_waiting_for_first()) delay = first_period();
      if (settings_.one_time) return announce_once(stop);
    } catch (const Veto& veto) {
      log_.error("sync failed, giving up", {{"error", veto.what()}});
      return 1;
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

bool Synchronizer::is_waiting_for_first() const { return !progress_.state().current; }

bool Synchronizer::gives_up(std::int64_t failures) const {
  const auto limit = settings_.init_max_failures.value_or(settings_.max_failures);
  return is_waiting_for_first() && limit >= 0 && failures >= limit;
}

Duration Synchronizer::first_period() const { return settings_.init_period.count() > 0 ? settings_.init_period : settings_.period; }

// Before the first success every period, since --max-failures counts in periods; afterwards soon, then ever more seldom.
Duration Synchronizer::delay_after(std::int64_t failures) const {
  if (is_waiting_for_first()) return first_period();
  const Backoff backoff{.first = std::min<Duration>(settings_.period, std::chrono::seconds(1)),
                        .limit = std::max<Duration>(settings_.period, std::chrono::minutes(1))};
  return backoff.delay(static_cast<int>(std::min<std::int64_t>(failures, 1000)), random_unit());
}

int Synchronizer::announce_once(std::stop_token stop) {
  const std::string problems = hooks_.announce_once(*current(), std::move(stop));
  if (problems.empty()) return 0;
  log_.error("a hook failed; the revision stays published", {{"error", problems}});
  progress_.hook_failed(problems);
  return 1;
}

void Synchronizer::hint() { wakeup_.notify(); }

std::string Synchronizer::status() const { return status_json(settings_, progress_, hooks_.states()); }

}  // namespace tidemark::sync
