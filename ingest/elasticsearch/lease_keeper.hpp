// Renews the leases that this process holds, by a timer of its own: whatever a run is doing, every third of the lease's duration.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/units.hpp"
#include "daemon/wakeup.hpp"
#include "ingest/elasticsearch/held_state.hpp"

namespace tidemark::ingest::elasticsearch {

class LeaseKeeper {
 public:
  LeaseKeeper(Duration duration, Log& log);

  // From any thread. A state that was fenced is let go of.
  void keep(std::shared_ptr<HeldState> state);
  void let_go(const std::shared_ptr<HeldState>& state);

 private:
  void loop(std::stop_token stop);
  void renew(const std::shared_ptr<HeldState>& state);

  Duration period_;
  Log& log_;
  Wakeup timer_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<HeldState>> states_;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace tidemark::ingest::elasticsearch
