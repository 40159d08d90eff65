#include "ingest/sqlite/filling.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace tidemark::ingest::sqlite {

namespace {

// FTS5 gathers postings in memory and writes a segment when it has so many; 1 MiB is its default. Four times as many segments cost a fifth more CPU.
constexpr std::int64_t gathered_bytes = 4 * 1024 * 1024;
constexpr std::int64_t default_gathered_bytes = 1024 * 1024;
// So many segments are merged at once whatever else is set, 16 by default, which would merge everything twice. Each takes some 10 KiB of memory then.
constexpr std::int64_t merged_at_once = 256;
constexpr std::int64_t default_merged_at_once = 16;
// A level with so many segments is merged while documents are written.
constexpr std::int64_t default_merged_as_it_goes = 4;
constexpr std::int64_t pages_of_a_step = 1000;

void set(Connection& connection, std::string_view option, std::int64_t value) {
  connection.execute(fmt::format("INSERT INTO search(search, rank) VALUES ('{}', {})", option, value).c_str());
}

}  // namespace

void begin_filling(Connection& connection) {
  set(connection, "automerge", 0);
  set(connection, "crisismerge", merged_at_once);
  set(connection, "hashsize", gathered_bytes);
}

void end_filling(Connection& connection) {
  // In steps, each of which gives back what it has read. A step that changes less than two rows had nothing to do; a few segments stay as they are.
  for (std::int64_t before = -2; connection.total_changes() - before >= 2;) {
    before = connection.total_changes();
    set(connection, "merge", pages_of_a_step);
  }
  set(connection, "hashsize", default_gathered_bytes);
  set(connection, "crisismerge", default_merged_at_once);
  set(connection, "automerge", default_merged_as_it_goes);
}

}  // namespace tidemark::ingest::sqlite
