// The engine for Elasticsearch and OpenSearch: the engines' contract, on real servers.
#include <doctest/doctest.h>

#include "engines/elasticsearch_index.hpp"
#include "support/search_server.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;

TEST_CASE("an Elasticsearch or OpenSearch index keeps the engines' contract") {
  static const auto names = testing::search_server_names();
  for (const auto& name : names) {
    SUBCASE(name.c_str()) {
      const auto server = testing::shared_search_server(name);
      CAPTURE(server.name);
      check_engine_contract([&] { return std::make_unique<ElasticsearchIndex>(server.url); });
    }
  }
}

}  // namespace
