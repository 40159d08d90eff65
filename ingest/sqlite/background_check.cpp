#include "ingest/sqlite/background_check.hpp"

#include <utility>

#include "ingest/sqlite/database.hpp"
#include "ingest/sqlite/index_file.hpp"

namespace tidemark::ingest::sqlite {

BackgroundCheck::BackgroundCheck(std::filesystem::path file, Log& log, std::function<void(const std::string&)> damaged)
    : file_(std::move(file)), log_(log), damaged_(std::move(damaged)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void BackgroundCheck::run(const std::stop_token& stop) {
  try {
    const auto connection = open_reader(file_);
    const std::stop_callback interrupt(stop, [&] { connection->interrupt(); });
    if (stop.stop_requested()) return;
    const std::string damage = find_damage(*connection);
    if (!damage.empty()) damaged_(damage);
  } catch (const DatabaseError& error) {
    if (error.failure != Failure::interrupted) log_.warning("cannot check the index", {{"file", file_.string()}, {"error", error.what()}});
  }
}

}  // namespace tidemark::ingest::sqlite
