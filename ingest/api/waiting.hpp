// The requests that wait for the loop: /wait, and /resync with a wait. Bounded, so that hints and probes always find a thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "daemon/http_server.hpp"
#include "ingest/reconciler.hpp"
#include "ingest/run.hpp"

namespace tidemark::ingest::api {

// Places for those who wait. Any thread.
class WaitingRoom {
 public:
  explicit WaitingRoom(int places) : free_(places) {}

  // A place, until it is destroyed.
  class Place {
   public:
    explicit Place(std::atomic<int>& free) : free_(&free) {}
    ~Place() { ++*free_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    std::atomic<int>* free_;
  };
  // Nothing when all are taken. The room outlives its places.
  std::unique_ptr<Place> enter();

 private:
  std::atomic<int> free_;
};

HttpResponse no_place();  // 503 with Retry-After

struct Waiter {
  std::chrono::steady_clock::time_point deadline;
  std::function<bool()> is_gone;  // then nobody reads the answer, and the wait ends early
};

// The answer to who asked for a run and waits for its end: the report; 504 `not-yet`, 409 `stalled`, 500 `run-failed`, 503 `stopping`.
HttpResponse wait_for_run(const RunHistory& history, std::int64_t run, const Waiter& waiter);

// The answer to who waits for a commit: 200; 504 `not-yet` or `unknown-commit`, 409 `stalled`, 503 `stopping`.
HttpResponse wait_for_commit(const Reconciler& reconciler, const RunHistory& history, const git::Oid& commit, const Waiter& waiter);

}  // namespace tidemark::ingest::api
