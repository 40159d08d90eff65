// From --engine to an engine.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/log.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest {

// Where the embedded engine's file is: "sqlite:PATH", or PATH/INDEX.sqlite when PATH is a folder. Throws ConfigError for everything else, naming what
// is possible.
std::filesystem::path sqlite_file(std::string_view engine, std::string_view index);

// Throws ConfigError as sqlite_file() and open_sqlite_engine().
std::unique_ptr<Engine> open_engine(std::string_view engine, std::string_view index, Log& log);

}  // namespace tidemark::ingest
