// What happens between an agent and an operator, or any other client, on one real index.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "daemon/error.hpp"
#include "engines/elasticsearch_index.hpp"
#include "ingest/elasticsearch/state_document.hpp"
#include "ingest/fingerprint.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;
using nlohmann::json;
using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("an index of the alias's own name stalls the agent before it creates anything") {
  on_every_server([](ElasticsearchIndex& index) {
    REQUIRE(index.request("PUT", "/" + index.alias()).status == 200);
    auto engine = open_elasticsearch_engine(index.settings(), index.log());
    engine->identify(test_source());
    CHECK_THROWS_AS(engine->inspect(), StalledError);
    CHECK(json::parse(index.request("GET", "/" + index.alias() + "-*?filter_path=*.aliases").body).empty());
    index.request("DELETE", "/" + index.alias());
    CHECK(engine->inspect().schema == Schema::none);
  });
}

TEST_CASE("a deleted index is rebuilt, and nothing is created in its place by a late write") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta")}, 1);
    const auto lost = index.physical();
    {
      const auto run = engine->begin({.mode = Mode::diff, .generation = 2'000, .source = test_source()});
      REQUIRE(index.request("DELETE", "/" + lost).status == 200);
      CHECK_THROWS_AS(run->apply(std::vector<Operation>{Removal{{.path = "b.md", .fragment = ""}}}), TransientError);
      CHECK_THROWS_AS(run->apply(std::vector<Operation>{page("c.md", "gamma")}), TransientError);
      CHECK_THROWS_AS(run->commit(checkpoint(2)), TransientError);
    }
    CHECK(json::parse(index.request("GET", "/" + index.alias() + "*?filter_path=*.aliases").body).empty());
    CHECK(engine->inspect().schema == Schema::none);
    commit_run(*engine, Mode::rebuild, 2'000, {page("a.md", "alpha")}, 2);
    CHECK(engine->inspect().check_holds);
  });
}

TEST_CASE("a closed index is opened, and a read-only one made writable") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    REQUIRE(index.request("POST", "/" + index.physical() + "/_close").status == 200);
    CHECK(comes_true([&] {
      try {
        return engine->inspect().check_holds;
      } catch (const TransientError&) {
        return false;  // its shards are starting
      }
    }));
    for (const char* block : {"read_only", "write", "read", "metadata"}) {
      CAPTURE(block);
      REQUIRE(index.request("PUT", "/" + index.physical() + "/_settings", json{{std::string("index.blocks.") + block, true}}.dump()).status == 200);
      CHECK(engine->inspect().check_holds);
      commit_run(*engine, Mode::diff, engine->inspect().state->generation + 1'000, {page("a.md", block)}, 2);
    }
  });
}

TEST_CASE("the alias moved away, doubled or lost comes back with an audit") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    const auto live = index.physical();
    const auto aliases = [&](const json& actions) { REQUIRE(index.request("POST", "/_aliases", json{{"actions", actions}}.dump()).status == 200); };
    const auto drifts = [&] {
      const auto facts = engine->inspect();
      CHECK_FALSE(facts.check_holds);
      CHECK(facts.check_detail.find("alias") != std::string::npos);
      heal(*engine, facts.state->generation + 1'000, {page("a.md", "alpha")}, 1);
      CHECK(index.physical() == live);
      CHECK(found(*engine, "alpha") == Paths{"a.md"});
    };
    aliases({{{"remove", {{"index", live}, {"alias", index.alias()}}}}});
    drifts();
    aliases({{{"remove", {{"index", live}, {"alias", live + ".write"}}}}});
    drifts();
    REQUIRE(index.request("PUT", "/" + index.alias() + "-other").status == 200);
    aliases({{{"add", {{"index", index.alias() + "-other"}, {"alias", live + ".write"}}}}, {{"add", {{"index", index.alias() + "-other"}, {"alias", index.alias()}}}}});
    drifts();
  });
}

TEST_CASE("the state deleted is a rebuild; one of a newer schema is left alone") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    REQUIRE(index.request("DELETE", "/" + index.physical() + "/_doc/" + std::string(elasticsearch::state_id)).status == 200);
    CHECK(engine->inspect().schema == Schema::none);
    commit_run(*engine, Mode::rebuild, 2'000, {page("a.md", "alpha")}, 1);
    CHECK(engine->inspect().check_holds);
    auto state = index.state();
    state["state"]["schema"] = elasticsearch::schema_version + 1;
    index.put_state(state);
    CHECK(engine->inspect().schema == Schema::newer);
    CHECK(found(*engine, "alpha") == Paths{"a.md"});
  });
}

TEST_CASE("a document edited so that count and fingerprint stay the same is rewritten") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta")}, 1);
    const auto stored = json::parse(index.request("GET", index.document_path("b.md")).body);
    auto source = stored.at("_source");
    source["title"] = "forged";
    // With a version of its own that equals the stored generation the listing could not tell: the engine takes only greater ones.
    CHECK(index.request("PUT", index.document_path("b.md") + "?version=1000&version_type=external", source.dump()).status == 409);
    REQUIRE(index.request("PUT", index.document_path("b.md"), source.dump()).status == 200);
    CHECK_FALSE(engine->inspect().check_holds);
    std::vector<std::string> altered;
    for (const auto& row : listed(*engine)) {
      if (row.altered) altered.push_back(row.key.path);
    }
    CHECK(altered == Paths{"b.md"});
    heal(*engine, 2'000, {page("b.md", "beta")}, 1);
    CHECK(engine->document({.path = "b.md", .fragment = ""})->content.title == "untitled");
  });
}

TEST_CASE("a document written with a version beyond ours makes the index be filled anew") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    REQUIRE(index.request("PUT", index.document_path("a.md") + "?version=99999999&version_type=external", R"({"kind":"page"})").status == 200);
    CHECK_FALSE(engine->inspect().check_holds);
    {
      const auto run = engine->begin({.mode = Mode::audit, .generation = 2'000, .source = test_source()});
      CHECK_THROWS_AS(run->apply(std::vector<Operation>{page("a.md", "alpha")}), TransientError);
    }
    CHECK(engine->inspect().tampered);
    commit_run(*engine, Mode::rebuild, 3'000, {page("a.md", "alpha")}, 1);
    const auto facts = engine->inspect();
    CHECK_FALSE(facts.tampered);
    CHECK_MESSAGE(facts.check_holds, facts.check_detail);
  });
}

TEST_CASE("what strangers put beside our documents is removed by an audit") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    const auto physical = index.physical();
    for (const char* id : {"stranger", "another"}) {
      REQUIRE(index.request("PUT", "/" + physical + "/_doc/" + id, R"({"kind":"page","path":"a.md","path_key":"612e6d64","fragment_key":"","title":"alpha"})").status == 201);
    }
    REQUIRE(index.request("PUT", "/" + physical + "/_doc/bare", "{}").status == 201);
    CHECK_FALSE(engine->inspect().check_holds);
    CHECK(paths(*engine) == Paths{"a.md"});
    {
      const auto run = engine->begin({.mode = Mode::audit, .generation = 2'000, .source = test_source()});
      CHECK(paths(*engine) == Paths{"a.md"});
      run->commit(checkpoint(1));
    }
    CHECK(engine->inspect().check_holds);
    CHECK(index.request("GET", "/" + physical + "/_doc/stranger").status == 404);
    CHECK(index.request("GET", "/" + physical + "/_doc/bare").status == 404);
    CHECK(found(*engine, "alpha") == Paths{"a.md"});
  });
}
