#include "ingest/elasticsearch/lease_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace tidemark::ingest::elasticsearch {

LeaseKeeper::LeaseKeeper(Duration duration, Log& log)
    : period_(std::max<Duration>(duration / 3, std::chrono::milliseconds(1))), log_(log), thread_([this](std::stop_token stop) { loop(std::move(stop)); }) {}

void LeaseKeeper::keep(std::shared_ptr<HeldState> state) {
  const std::lock_guard lock(mutex_);
  states_.push_back(std::move(state));
}

void LeaseKeeper::let_go(const std::shared_ptr<HeldState>& state) {
  const std::lock_guard lock(mutex_);
  std::erase(states_, state);
}

void LeaseKeeper::loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    timer_.wait_until(Wakeup::Clock::now() + period_, stop);
    std::vector<std::shared_ptr<HeldState>> states;
    {
      const std::lock_guard lock(mutex_);
      states = states_;
    }
    for (const auto& state : states) {
      if (stop.stop_requested()) return;
      renew(state);
    }
  }
}

void LeaseKeeper::renew(const std::shared_ptr<HeldState>& state) {
  try {
    state->write([](StateDocument&) {});
  } catch (const Fenced& error) {
    log_.warning("lease lost", {{"index", state->physical()}, {"reason", error.what()}});
    let_go(state);
  } catch (const std::exception& error) {
    // It may still be ours: the next renewal finds out, and a run's own requests say what is wrong.
    log_.warning("lease not renewed", {{"index", state->physical()}, {"reason", error.what()}});
  }
}

}  // namespace tidemark::ingest::elasticsearch
