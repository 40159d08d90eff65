// The engine for Elasticsearch 8 and 9 and OpenSearch 2 and 3.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/log.hpp"
#include "daemon/units.hpp"
#include "ingest/elasticsearch/bulk_sender.hpp"
#include "ingest/elasticsearch/connection.hpp"
#include "ingest/elasticsearch/schema.hpp"
#include "ingest/engine.hpp"

namespace tidemark::ingest {

struct ElasticsearchSettings {
  elasticsearch::ConnectionSettings connection;
  std::string index = "tidemark";           // the alias that readers search
  elasticsearch::BulkLimits bulk;
  std::optional<std::size_t> concurrency;   // nothing: it adapts
  Duration lease_duration = std::chrono::seconds(15);
  std::optional<elasticsearch::CjkAnalysis> analysis;  // nothing: what the cluster has
  int shards = 1;
  int replicas = 1;
};

// Sends nothing yet; a cluster that cannot be reached is a TransientError of inspect(). Throws ConfigError for settings that cannot work.
std::unique_ptr<Engine> open_elasticsearch_engine(ElasticsearchSettings settings, Log& log);

}  // namespace tidemark::ingest
