#include "ingest/sqlite/log_keeper.hpp"

#include <system_error>
#include <utility>

#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

namespace {

constexpr std::uintmax_t copy_at_bytes = 4 * 1024 * 1024;
constexpr std::uintmax_t shorten_at_bytes = 16 * 1024 * 1024;
constexpr int cache_kibibytes = 256;

}  // namespace

LogKeeper::LogKeeper(std::filesystem::path file, Log& log)
    : file_(std::move(file)), log_(log), thread_([this](const std::stop_token& stop) { loop(stop); }) {}

std::uintmax_t LogKeeper::log_bytes() const {
  std::filesystem::path path = file_;
  path += "-wal";
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(path, absent);
  return absent ? 0 : bytes;
}

void LogKeeper::committed() {
  if (log_bytes() < copy_at_bytes) return;
  {
    const std::lock_guard lock(mutex_);
    is_wanted_ = true;
  }
  wanted_.notify_one();
}

void LogKeeper::loop(const std::stop_token& stop) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, stop, [&] { return is_wanted_; });
      if (stop.stop_requested()) return;
      is_wanted_ = false;
    }
    try {
      copy_back();
    } catch (const DatabaseError& error) {
      log_.warning("cannot copy the write-ahead log back", {{"file", file_.string()}, {"error", error.what()}});
    }
  }
}

void LogKeeper::copy_back() {
  Connection connection(file_, Connection::Access::writer, cache_kibibytes);
  connection.wait_when_busy(std::chrono::milliseconds(0));
  {
    // busy, pages in the log, pages copied
    StatementScope result = connection.cached("PRAGMA wal_checkpoint(PASSIVE)");
    if (!result->step() || result->integer(0) != 0 || result->integer(1) != result->integer(2)) return;
  }
  // All is copied: the next writer begins the log anew; a long one is made short as well, unless somebody uses it.
  if (log_bytes() >= shorten_at_bytes) connection.cached("PRAGMA wal_checkpoint(TRUNCATE)")->run();
}

}  // namespace tidemark::ingest::sqlite
