// How many requests a real server gets: what an agent asks for is its steady cost, for a cluster and for whoever pays for it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engines/elasticsearch_index.hpp"
#include "support/fault_proxy.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;

// By way of a proxy that counts; no lease is renewed meanwhile, since nothing of an agent's look or run depends on it.
template <typename Body>
void on_every_counted_server(const Body& body) {
  static const auto names = tidemark::testing::search_server_names();
  for (const auto& name : names) {
    SUBCASE(name.c_str()) {
      ElasticsearchIndex index(tidemark::testing::shared_search_server(name).url);
      tidemark::testing::FaultProxy proxy(tidemark::testing::shared_search_server(name).url);
      auto settings = index.settings();
      settings.connection.urls = {proxy.url()};
      settings.lease_duration = std::chrono::minutes(10);
      const auto engine = open_elasticsearch_engine(settings, index.log());
      engine->identify(test_source());
      engine->inspect();
      commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
      REQUIRE(engine->inspect().check_holds);
      proxy.forget_counts();
      body(*engine, proxy, index);
    }
  }
}

int requests(tidemark::testing::FaultProxy& proxy) {
  int sum = 0;
  const auto counts = proxy.counts();
  for (const auto& [what, count] : counts.items()) {
    INFO(what);
    sum += count.at("requests").get<int>();
  }
  return sum;
}

}  // namespace

TEST_CASE("a push of one file is two requests: a bulk, which refreshes, and the checkpoint") {
  on_every_counted_server([](Engine& engine, tidemark::testing::FaultProxy& proxy, ElasticsearchIndex& index) {
    REQUIRE(engine.inspect(Look::recent).check_holds);
    {
      const auto run = engine.begin({.mode = Mode::diff, .generation = 2'000, .source = test_source(), .planned = 1});
      run->apply(std::vector<Operation>{page("b.md", "beta")});
      run->commit(checkpoint(2));
    }
    const auto counts = proxy.counts();
    CAPTURE(counts.dump());
    CHECK(requests(proxy) == 2);
    CHECK(counts.at("POST /" + index.physical() + ".write/_bulk").at("requests") == 1);
    CHECK(found(engine, "beta") == std::vector<std::string>{"b.md"});
  });
}

TEST_CASE("a pushed page is found once its bulk is answered, before the checkpoint") {
  on_every_counted_server([](Engine& engine, tidemark::testing::FaultProxy&, ElasticsearchIndex&) {
    REQUIRE(engine.inspect(Look::recent).check_holds);
    const auto run = engine.begin({.mode = Mode::diff, .generation = 2'000, .source = test_source(), .planned = 1});
    run->apply(std::vector<Operation>{page("b.md", "beta")});
    CHECK(found(engine, "beta") == std::vector<std::string>{"b.md"});
  });
}

TEST_CASE("a look at an index with nothing new is three requests at most") {
  on_every_counted_server([](Engine& engine, tidemark::testing::FaultProxy& proxy, ElasticsearchIndex&) {
    REQUIRE(engine.inspect().check_holds);
    CAPTURE(proxy.counts().dump());
    CHECK(requests(proxy) <= 3);
    for (int again = 0; again < 10; ++again) REQUIRE(engine.inspect().check_holds);
    CHECK(requests(proxy) <= 33);
  });
}

TEST_CASE("a hint within a period, with nothing new, asks the server for nothing") {
  on_every_counted_server([](Engine& engine, tidemark::testing::FaultProxy& proxy, ElasticsearchIndex&) {
    REQUIRE(engine.inspect(Look::recent).check_holds);
    CHECK(requests(proxy) == 0);
  });
}
