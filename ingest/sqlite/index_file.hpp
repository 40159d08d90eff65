// The file itself: whose it is, whether it is sound, and where a damaged one goes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

enum class Recognition { absent, ours };

// Reads the file's header and nothing else, changes nothing. Throws ConfigError for what is not an index of Tidemark.
Recognition recognise(const std::filesystem::path& file);

// The writer's connection, without triggers (schema.cpp); makes the file if need be. Throws DatabaseError: damaged, when a page that every use needs is not as it should be.
std::unique_ptr<Connection> open_writer(const std::filesystem::path& file);
std::unique_ptr<Connection> open_reader(const std::filesystem::path& file);

// SQLite's own check of the whole file's structure: what is wrong, "" when nothing is.
std::string find_damage(Connection& connection);

// Renames FILE (and its write-ahead log) to FILE.damaged-<n>. Nobody of this process may have it open. Throws std::filesystem::filesystem_error.
std::filesystem::path set_aside(const std::filesystem::path& file);

}  // namespace tidemark::ingest::sqlite
