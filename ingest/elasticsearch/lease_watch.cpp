#include "ingest/elasticsearch/lease_watch.hpp"

namespace tidemark::ingest::elasticsearch {

LeaseWatch::Seen LeaseWatch::look(const std::string& index, const Lease& lease, Duration fallback, Clock::time_point now) {
  auto found = last_.find(index);
  if (found == last_.end() || !(found->second.lease == lease)) found = last_.insert_or_assign(index, Last{lease, now}).first;
  const auto still = std::chrono::duration_cast<Duration>(now - found->second.since);
  if (lease.holder.empty() && lease.renewals > 0) return {.vacant = true, .vacant_for = still, .vacant_in = Duration{0}};
  const auto duration = lease.duration > Duration{0} ? lease.duration : fallback;
  if (still < duration) return {.vacant = false, .vacant_for = Duration{0}, .vacant_in = duration - still};
  return {.vacant = true, .vacant_for = still - duration, .vacant_in = Duration{0}};
}

}  // namespace tidemark::ingest::elasticsearch
