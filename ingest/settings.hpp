// The flags of tidemark-ingest, each also TIDEMARK_... in the environment and a line of the --config file.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_server.hpp"
#include "daemon/log.hpp"
#include "daemon/settings.hpp"
#include "ingest/elasticsearch/elasticsearch_engine.hpp"
#include "ingest/reconciler.hpp"
#include "ingest/selection.hpp"

namespace tidemark::ingest {

struct IngestSettings {
  std::string source;       // ROOT/LINK
  std::string source_name;  // "" = the last segment of the origin's URL
  std::string engine;       // sqlite:PATH, or the URLs of a cluster's nodes with commas between
  std::string index = "tidemark";
  ElasticsearchSettings server;                       // complete when `engine` names one
  Bytes bulk_bytes{ElasticsearchSettings().bulk.bytes};
  ListenAddress listen{.host = "127.0.0.1", .port = 9300};
  std::optional<ListenAddress> search_listen;
  std::optional<ListenAddress> probe_listen;
  std::vector<std::string> allowed_hosts;
  std::string token_file;
  SelectionSettings selection;
  ReconcilerSettings reconciler;
  bool one_time = false;
  LogFormat log_format = LogFormat::text;
  LogLevel log_level = LogLevel::info;
};

// Nothing when --help or --version was asked for and has been printed to `out`. Throws ConfigError with every problem.
std::optional<IngestSettings> read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out);

// "50%" or "50", 0 to 100. Pure.
std::optional<int> parse_percent(std::string_view text);

}  // namespace tidemark::ingest
