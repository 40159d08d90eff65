#include "ingest/elasticsearch/bulk_sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/wakeup.hpp"
#include "ingest/elasticsearch/answers.hpp"
#include "ingest/elasticsearch/bulk_pieces.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t smallest_request = 64 * 1024;  // what a 413 may bring max_bytes down to
constexpr int garbled_answers_in_a_row = 4;           // what goes on like this will not pass by waiting
// How long the server waits for a shard that is not there: shorter than our own timeout, so that each item says so.
constexpr std::string_view server_timeout = "30s";

std::string path_of(const std::string& alias, Refresh refresh) {
  return fmt::format("/{}/_bulk?require_alias=true&pipeline=_none&timeout={}&filter_path=errors,items.*.status,items.*.result,items.*._seq_no,"
                     "items.*.error{}",
                     alias, server_timeout, refresh == Refresh::now ? "&refresh=true" : "");
}

[[noreturn]] void throw_blocked(const std::string& alias, const std::string& reason) {
  const auto has = [&](std::string_view word) { return reason.find(word) != std::string::npos; };
  std::string_view advice = "the next run looks at the block";
  if (has("read-only-allow-delete") || has("read_only_allow_delete") || has("flood-stage") || has("disk usage")) {
    advice = "its nodes' disks are too full; free some space, and the cluster lifts the block by itself";
  } else if (has("index_closed_exception")) {
    advice = "the index is closed; the next run opens it";
  }
  throw TransientError(fmt::format("the index behind {} takes no writes: {} ({})", alias, reason, advice));
}

[[noreturn]] void throw_missing(const std::string& alias, const std::string& reason) {
  throw TransientError(fmt::format("the index behind {} is gone: {} (the next run sees what is left and fills it again)", alias, reason));
}

}  // namespace

// One batch on its way: what is not settled yet, in pieces.
class BulkSender::Delivery {
 public:
  Delivery(BulkSender& sender, const EncodedBulk& bulk, const std::string& alias, Refresh refresh, std::stop_token stop)
      : sender_(sender), bulk_(bulk), alias_(alias), path_(path_of(alias, refresh)), stop_(std::move(stop)) {
    outcome_.items.resize(bulk.operations.size());
    put_in_front(all_of(bulk), sender.max_bytes());
  }

  Outcome run() {
    while (!pieces_.empty()) {
      const auto piece = std::move(pieces_.front());
      pieces_.pop_front();
      try_once(piece);
    }
    return std::move(outcome_);
  }

 private:
  void put_in_front(const OperationIndexes& operations, std::int64_t max_bytes) {
    const auto cuts = cut(bulk_, operations, max_bytes, sender_.limits_.operations);
    pieces_.insert(pieces_.begin(), cuts.begin(), cuts.end());
  }

  // Puts back what it leaves unsettled.
  void try_once(const OperationIndexes& piece) {
    const PieceBody body(bulk_, piece);
    std::string silence;
    const auto response = request(body, piece.size(), silence);
    if (!response) {
      outcome_.certain = false;
      pieces_.push_front(piece);
      sender_.overloaded();
      return pause(silence, Duration(0));
    }
    if (response->status == 413) return divide(piece, body.text().size());
    if (response->status < 200 || response->status > 299) {
      outcome_.certain = false;
      pieces_.push_front(piece);
      return whole_refused(*response);
    }
    std::string problem;
    const auto answer = decode_bulk(response->body, piece.size() + body.guarded(), problem);
    if (!answer) {
      if (++garbled_ >= garbled_answers_in_a_row) throw TransientError(fmt::format("POST /{}/_bulk: {}", alias_, problem));
      outcome_.certain = false;
      pieces_.push_front(piece);
      return pause(problem, Duration(0));
    }
    garbled_ = 0;
    read(piece, *answer, body.guarded());
  }

  // Nothing, with the reason, for no answer.
  std::optional<Response> request(const PieceBody& body, std::size_t operations, std::string& silence) {
    struct Flight {
      explicit Flight(BulkSender& s) : sender(s), in_flight(s.enter()) {}
      ~Flight() { sender.leave(); }
      Flight(const Flight&) = delete;
      Flight& operator=(const Flight&) = delete;
      BulkSender& sender;
      std::size_t in_flight;
    };
    const Flight flight(sender_);
    const auto begin = Clock::now();
    try {
      auto response = sender_.connection_.send({.method = "POST", .path = path_, .body = body.text()}, stop_);
      if (response.status == 200) {
        sender_.answered(std::chrono::duration_cast<Duration>(Clock::now() - begin), operations, flight.in_flight);
      }
      return response;
    } catch (const TransientError& error) {
      if (stop_.stop_requested()) throw;
      silence = error.what();
      return std::nullopt;
    }
  }

  void whole_refused(const Response& response) {
    const auto error = error_of(response);
    const auto verdict = verdict_of(response.status, error.type, false);
    if (verdict == ItemVerdict::index_blocked) throw_blocked(alias_, error.reason);
    if (verdict == ItemVerdict::index_missing) throw_missing(alias_, error.reason);
    if (response.status != 408 && response.status != 429 && response.status < 500) throw_unexpected(response, fmt::format("POST /{}/_bulk", alias_));
    sender_.overloaded();
    pause(fmt::format("POST /{}/_bulk was answered with status {}: {}", alias_, response.status, error.reason), response.retry_after);
  }

  // The limit is the server's `http.max_content_length` or that of a proxy before it.
  void divide(const OperationIndexes& piece, std::size_t bytes) {
    if (piece.size() == 1) {
      auto& item = outcome_.items[piece.front()];
      item.verdict = ItemVerdict::document_refused;
      item.status = 413;
      item.reason =
          fmt::format("413: alone it is a request of {} bytes, more than the server takes (http.max_content_length, or a proxy's limit)", bytes);
      return progressed();
    }
    progressed();
    // Below the floor of what is remembered, too, there is a way on.
    put_in_front(piece, std::min<std::int64_t>(sender_.shrink(bytes), static_cast<std::int64_t>(bytes / 2)));
  }

  void read(const OperationIndexes& piece, const BulkAnswer& answer, bool guarded) {
    for (const auto& item : answer.items) {
      if (item.verdict == ItemVerdict::index_missing) throw_missing(alias_, item.reason);
      if (item.verdict == ItemVerdict::index_blocked) throw_blocked(alias_, item.reason);
    }
    OperationIndexes left;
    std::string reason;
    for (std::size_t at = 0; at < piece.size(); ++at) {
      const auto& item = answer.items[at + guarded];
      outcome_.counted += item.seq_no.has_value();
      if (item.verdict == ItemVerdict::overloaded) {
        left.push_back(piece[at]);
        reason = fmt::format("{} {}", item.status, item.reason);
      } else {
        outcome_.items[piece[at]] = item;
      }
    }
    if (left.size() < piece.size()) progressed();
    if (left.empty()) return;
    const auto text =
        fmt::format("{} of {} operations of POST /{}/_bulk were turned away, the latest: {}", left.size(), piece.size(), alias_, reason);
    pieces_.push_front(std::move(left));
    sender_.overloaded();
    pause(text, Duration(0));
  }

  void progressed() {
    sender_.say("");
    last_progress_ = Clock::now();
    failures_ = 0;
  }

  void pause(const std::string& reason, Duration asked_for) {
    const auto left = sender_.limits_.patience - std::chrono::duration_cast<Duration>(Clock::now() - last_progress_);
    if (left <= Duration(0)) {
      throw TransientError(fmt::format("{} (given up after {} without progress)", reason, format_duration(sender_.limits_.patience)));
    }
    sender_.say(reason);
    const auto delay = std::max(asked_for, sender_.limits_.backoff.delay(++failures_, random_unit()));
    Wakeup().wait_until(Wakeup::Clock::now() + std::min(delay, left), stop_);
    if (stop_.stop_requested()) throw TransientError(reason + " (given up, since the process stops)");
  }

  BulkSender& sender_;
  const EncodedBulk& bulk_;
  const std::string& alias_;
  std::string path_;
  std::stop_token stop_;
  Outcome outcome_;
  std::deque<OperationIndexes> pieces_;
  Clock::time_point last_progress_ = Clock::now();
  int failures_ = 0;  // since the last progress
  int garbled_ = 0;   // in a row
};

BulkSender::BulkSender(Connection& connection, BulkLimits limits, ConcurrencyLimit concurrency)
    : connection_(connection), limits_(limits), concurrency_(concurrency), max_bytes_(limits.bytes) {}

BulkSender::Outcome BulkSender::send(const EncodedBulk& bulk, const std::string& alias, Refresh refresh, std::stop_token stop) {
  // However it ends, nothing is sent again any more.
  const std::unique_ptr<BulkSender, void (*)(BulkSender*)> silent(this, [](BulkSender* sender) { sender->say(""); });
  return Delivery(*this, bulk, alias, refresh, std::move(stop)).run();
}

std::size_t BulkSender::lanes() const {
  const std::lock_guard lock(mutex_);
  return concurrency_.limit();
}

std::int64_t BulkSender::max_bytes() const {
  const std::lock_guard lock(mutex_);
  return max_bytes_;
}

std::size_t BulkSender::enter() {
  const std::lock_guard lock(mutex_);
  return ++in_flight_;
}

void BulkSender::leave() {
  const std::lock_guard lock(mutex_);
  --in_flight_;
}

void BulkSender::answered(Duration round_trip, std::size_t operations, std::size_t in_flight) {
  const std::lock_guard lock(mutex_);
  concurrency_.answered(round_trip, operations, in_flight);
}

void BulkSender::overloaded() {
  const std::lock_guard lock(mutex_);
  concurrency_.overloaded();
}

std::string BulkSender::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void BulkSender::say(const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = trouble;
}

// By what was refused, not by what was the limit: several lanes may have met the same one at once.
std::int64_t BulkSender::shrink(std::size_t refused_bytes) {
  const std::lock_guard lock(mutex_);
  max_bytes_ = std::max(std::min(smallest_request, limits_.bytes), std::min(max_bytes_, static_cast<std::int64_t>(refused_bytes / 2)));
  return max_bytes_;
}

}  // namespace tidemark::ingest::elasticsearch
