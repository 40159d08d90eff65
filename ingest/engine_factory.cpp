#include "ingest/engine_factory.hpp"

#include <fmt/format.h>

#include "daemon/error.hpp"
#include "daemon/text.hpp"
#include "ingest/elasticsearch/elasticsearch_engine.hpp"
#include "ingest/sqlite/sqlite_engine.hpp"

namespace tidemark::ingest {

namespace fs = std::filesystem;

fs::path sqlite_file(std::string_view engine, std::string_view index) {
  constexpr std::string_view sqlite = "sqlite:";
  if (!engine.starts_with(sqlite)) {
    throw ConfigError(
        fmt::format("--engine '{}' is no engine; write sqlite:PATH, for instance sqlite:/var/lib/tidemark/index.sqlite, or the URL of a search "
                    "server, for instance https://search:9200",
                    one_line(redact_credentials(engine), 200)));
  }
  const fs::path path(engine.substr(sqlite.size()));
  if (path.empty()) throw ConfigError("--engine sqlite: lacks the path of its file, for instance sqlite:/var/lib/tidemark/index.sqlite");
  std::error_code ignored;
  if (!path.has_filename() || fs::is_directory(path, ignored)) return path / (std::string(index) + ".sqlite");
  return path;
}

bool names_server(std::string_view engine) { return engine.starts_with("https://") || engine.starts_with("http://"); }

std::unique_ptr<Engine> open_engine(const IngestSettings& settings, Log& log) {
  if (names_server(settings.engine)) return open_elasticsearch_engine(settings.server, log);
  return open_sqlite_engine(sqlite_file(settings.engine, settings.index), log);
}

}  // namespace tidemark::ingest
