// One batch until every operation of it is settled: cuts it to the server's limits, sends, reads item by item, and sends again what was not settled.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/backoff.hpp"
#include "ingest/elasticsearch/bulk_decoder.hpp"
#include "ingest/elasticsearch/bulk_encoder.hpp"
#include "ingest/elasticsearch/concurrency_limit.hpp"
#include "ingest/elasticsearch/connection.hpp"

namespace tidemark::ingest::elasticsearch {

struct BulkLimits {
  std::int64_t bytes = 5 * 1024 * 1024;  // uncompressed
  std::size_t operations = 1'000;
  Duration patience = std::chrono::minutes(2);  // how long one batch may meet nothing but overload or silence; then one last try
  Backoff backoff{.first = std::chrono::milliseconds(100), .limit = std::chrono::seconds(10)};
};

enum class Refresh { no, now };

// Lives as long as the engine: what it learnt about the server's limits stays. Safe from every thread.
class BulkSender {
 public:
  BulkSender(Connection& connection, BulkLimits limits, ConcurrencyLimit concurrency);

  struct Outcome {
    std::vector<BulkItem> items;  // one per operation, in order: applied, conflict or document_refused
    std::int64_t counted = 0;     // operations that the engine counted, all tries together
    bool certain = true;          // every answer was read: what an item made or deleted, it made or deleted now
  };
  // Sends `bulk` to `alias` with require_alias. What was answered with overload goes again alone; the same request goes again for 429 and 5xx,
  // silence and garbled answers; a request too large goes again in halves. Throws TransientError when patience or `stop` has ended it, when the index
  // is missing or blocked for now; StalledError for refusals of the whole request (403). `counted` is lost with the exception: the check will differ.
  Outcome send(const EncodedBulk& bulk, const std::string& alias, Refresh refresh, std::stop_token stop);

  std::size_t lanes() const;       // how many send() are worth calling at once
  std::int64_t max_bytes() const;  // of one request: 5 MiB, or less after a 413
  std::string trouble() const;     // what a batch is sent again for at this moment, "" for nothing

 private:
  class Delivery;  // one send()
  std::size_t enter();
  void leave();
  void answered(Duration round_trip, std::size_t operations, std::size_t in_flight);
  void overloaded();
  std::int64_t shrink(std::size_t refused_bytes);
  void say(const std::string& trouble);

  Connection& connection_;
  BulkLimits limits_;
  mutable std::mutex mutex_;  // guards what follows
  ConcurrencyLimit concurrency_;
  std::int64_t max_bytes_;
  std::size_t in_flight_ = 0;
  std::string trouble_;
};

}  // namespace tidemark::ingest::elasticsearch
