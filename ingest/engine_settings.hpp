// The flags of an Elasticsearch or OpenSearch cluster as an engine.
#pragma once

#include <string_view>

#include "daemon/settings.hpp"
#include "ingest/settings.hpp"

namespace tidemark::ingest {

void add_server_settings(Settings& settings, IngestSettings& target);

// Rules over all flags; the last one puts what was read in place: the nodes' URLs, what batches hold.
void add_server_rules(Settings& settings, IngestSettings& target);

}  // namespace tidemark::ingest
