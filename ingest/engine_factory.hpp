// From --engine to an engine.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/log.hpp"
#include "ingest/engine.hpp"
#include "ingest/settings.hpp"

namespace tidemark::ingest {

// Where the embedded engine's file is: "sqlite:PATH", or PATH/INDEX.sqlite when PATH is a folder. Throws ConfigError for everything else, naming what
// is possible.
std::filesystem::path sqlite_file(std::string_view engine, std::string_view index);

bool names_server(std::string_view engine);

// Throws ConfigError as sqlite_file(), open_sqlite_engine() and open_elasticsearch_engine().
std::unique_ptr<Engine> open_engine(const IngestSettings& settings, Log& log);

}  // namespace tidemark::ingest
