// The embedded engine: one SQLite file, FTS5. docs/formats.md holds its tables.
#pragma once

#include <filesystem>
#include <memory>

#include "daemon/log.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest {

// Opens or makes the file (and FILE-wal, FILE-shm, FILE.lock). Throws ConfigError for a file that is not ours (no SQLite database, or another application's), a folder that does not exist or can't be written.
// A damaged file of ours is set aside as FILE.damaged-<n>, logged, and a new one is begun: the index can always be made again from Git.
std::unique_ptr<Engine> open_sqlite_engine(const std::filesystem::path& file, Log& log);

}  // namespace tidemark::ingest
