#include "ingest/engine_factory.hpp"

#include <fmt/format.h>

#include "daemon/error.hpp"
#include "ingest/sqlite/sqlite_engine.hpp"

namespace tidemark::ingest {

namespace fs = std::filesystem;

fs::path sqlite_file(std::string_view engine, std::string_view index) {
  constexpr std::string_view sqlite = "sqlite:";
  if (engine.starts_with("https://") || engine.starts_with("http://")) {
    throw ConfigError("--engine names a search server, which this version can't write to yet; sqlite:PATH, the embedded engine, needs no server");
  }
  if (!engine.starts_with(sqlite))
    throw ConfigError(fmt::format("--engine '{}' is no engine; write sqlite:PATH, for instance sqlite:/var/lib/tidemark/index.sqlite", engine));
  const fs::path path(engine.substr(sqlite.size()));
  if (path.empty()) throw ConfigError("--engine sqlite: lacks the path of its file, for instance sqlite:/var/lib/tidemark/index.sqlite");
  std::error_code ignored;
  if (!path.has_filename() || fs::is_directory(path, ignored)) return path / (std::string(index) + ".sqlite");
  return path;
}

std::unique_ptr<Engine> open_engine(std::string_view engine, std::string_view index, Log& log) {
  return open_sqlite_engine(sqlite_file(engine, index), log);
}

}  // namespace tidemark::ingest
