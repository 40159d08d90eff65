// What happens between two agents, and between an agent and an operator, on one real index.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/error.hpp"
#include "engines/elasticsearch_index.hpp"
#include "ingest/elasticsearch/names.hpp"
#include "ingest/elasticsearch/state_document.hpp"
#include "ingest/fingerprint.hpp"
#include "support/search_server.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;
using nlohmann::json;
using Paths = std::vector<std::string>;

// Each body once on every server.
template <typename Body>
void on_every_server(const Body& body) {
  static const auto names = testing::search_server_names();
  for (const auto& name : names) {
    SUBCASE(name.c_str()) {
      ElasticsearchIndex index(testing::shared_search_server(name).url);
      body(index);
    }
  }
}

Paths paths(Engine& engine) {
  Paths all;
  for (const auto& one : listed(engine)) all.push_back(one.key.path);
  return all;
}

std::string document_path(ElasticsearchIndex& index, const std::string& path) {
  return "/" + index.physical() + "/_doc/" + document_id(test_source().name, path, "");
}

json state_of(ElasticsearchIndex& index) {
  return json::parse(index.request("GET", "/" + index.physical() + "/_doc/" + std::string(elasticsearch::state_id)).body).at("_source");
}

void put_state(ElasticsearchIndex& index, const json& state) {
  const auto answer = index.request("PUT", "/" + index.physical() + "/_doc/" + std::string(elasticsearch::state_id), state.dump());
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
}

// Another agent's lease, which nobody renews.
void give_the_lease_to_another(ElasticsearchIndex& index) {
  auto state = state_of(index);
  auto& lease = state.at("state").at("lease");
  lease["holder"] = "another";
  lease["holder_name"] = "elsewhere/1";
  put_state(index, state);
}

void heal(Engine& engine, std::int64_t generation, const std::vector<Operation>& documents, unsigned commit) {
  if (!engine.inspect().leading) REQUIRE(engine.lead());
  std::vector<Operation> operations = documents;
  commit_run(engine, Mode::audit, generation, operations, commit);
  const auto facts = engine.inspect();
  CHECK_MESSAGE(facts.check_holds, facts.check_detail);
}

template <typename Condition>
bool comes_true(const Condition& condition, std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("a second agent stands by while the first holds the lease, and writes as soon as that was given back") {
  on_every_server([](ElasticsearchIndex& index) {
    auto first = index.open();
    commit_run(*first, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    CHECK(first->inspect().leading);

    const auto second = index.open();
    auto facts = second->inspect();
    CHECK_FALSE(facts.writable);
    CHECK_FALSE(facts.leading);
    CHECK_FALSE(facts.holder.empty());
    CHECK(found(*second, "alpha") == Paths{"a.md"});

    first.reset();
    facts = second->inspect();
    CHECK(facts.writable);
    CHECK_MESSAGE(facts.check_holds, facts.check_detail);
    CHECK(second->lead());
    CHECK(second->inspect().leading);
    commit_run(*second, Mode::diff, 2'000, {page("b.md", "beta")}, 2);
    CHECK(second->inspect().check_holds);
    CHECK(paths(*second) == Paths{"a.md", "b.md"});
  });
}

TEST_CASE("renewals keep a second agent away for longer than the lease, and the check holds over them") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto first = index.open();
    commit_run(*first, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    const auto second = index.open();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(comes_true([&] {
      CHECK_FALSE(second->inspect().writable);
      return std::chrono::steady_clock::now() - begin > 2 * index.settings().lease_duration;
    }));
    const auto facts = first->inspect();
    CHECK(facts.leading);
    CHECK_MESSAGE(facts.check_holds, facts.check_detail);
  });
}

TEST_CASE("a lease that stands still for its duration is taken over, by an audit") {
  on_every_server([](ElasticsearchIndex& index) {
    { commit_run(*index.open(), Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1); }
    give_the_lease_to_another(index);
    const auto engine = index.open();
    CHECK_FALSE(engine->inspect().writable);
    REQUIRE(comes_true([&] { return engine->inspect().writable; }));
    const auto facts = engine->inspect();
    CHECK_FALSE(facts.leading);
    CHECK_FALSE(facts.check_holds);
    CHECK(facts.state->checkpoint == checkpoint(1));
    heal(*engine, facts.state->generation + 2'000, {page("a.md", "alpha")}, 1);
  });
}

TEST_CASE("a writer whose lease was taken is fenced, and what it still wrote is seen by the check") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto writer = index.open();
    commit_run(*writer, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    {
      const auto run = writer->begin({.mode = Mode::diff, .generation = 2'000, .source = test_source()});
      run->apply(std::vector<Operation>{page("late.md", "late")});
      give_the_lease_to_another(index);
      CHECK_THROWS_AS(run->commit(checkpoint(2)), TransientError);
    }
    CHECK_FALSE(writer->inspect().writable);
    const auto successor = index.open();
    REQUIRE(comes_true([&] { return successor->inspect().writable; }));
    CHECK_FALSE(successor->inspect().check_holds);
    REQUIRE(successor->lead());
    CHECK(paths(*successor) == Paths{"a.md", "late.md"});
    commit_run(*successor, Mode::audit, 4'000, {Removal{{.path = "late.md", .fragment = ""}}}, 1);
    CHECK(paths(*successor) == Paths{"a.md"});
    CHECK(successor->inspect().check_holds);
  });
}

TEST_CASE("half a run that was followed by a renewal is not taken for a whole one") {
  on_every_server([](ElasticsearchIndex& index) {
    auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    const auto before = state_of(index).at("state").at("lease").at("renewals").get<std::int64_t>();
    { engine->begin({.mode = Mode::diff, .generation = 2'000, .source = test_source()})->apply(std::vector<Operation>{page("half.md", "half")}); }
    REQUIRE(comes_true([&] { return state_of(index).at("state").at("lease").at("renewals").get<std::int64_t>() > before; }));
    auto facts = engine->inspect();
    CHECK((facts.state->intent_open || !facts.check_holds));
    engine = index.open();
    facts = engine->inspect();
    CHECK((facts.state->intent_open || !facts.check_holds));
  });
}

TEST_CASE("two agents that build the first index at once end with one index") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto one = index.open();
    const auto other = index.open();
    CHECK(one->inspect().writable);
    CHECK(other->inspect().writable);
    auto first = one->begin({.mode = Mode::rebuild, .generation = 1'000, .source = test_source()});
    CHECK_FALSE(other->inspect().writable);  // somebody fills
    auto second = other->begin({.mode = Mode::rebuild, .generation = 1'000, .source = test_source()});
    first->apply(std::vector<Operation>{page("a.md", "alpha")});
    second->apply(std::vector<Operation>{page("a.md", "alpha")});
    first->commit(checkpoint(1));
    first.reset();
    second->commit(checkpoint(1));
    second.reset();
    CHECK(other->inspect().leading);
    CHECK_FALSE(one->inspect().writable);
    const auto indexes = json::parse(index.request("GET", "/" + index.alias() + "-*?filter_path=*.aliases").body);
    CHECK(indexes.size() == 1);
    CHECK(found(*one, "alpha") == Paths{"a.md"});
  });
}

TEST_CASE("an index that was never finished is deleted when its lease has stood still") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
    const auto live = index.physical();
    // What a process that was killed leaves: an index with its .fill, and no state.
    const auto meta = json::parse(index.request("GET", "/" + live + "/_mapping").body).at(live).at("mappings").at("_meta");
    const elasticsearch::IndexNames names(index.alias(), test_source().name);
    const auto orphan = names.fresh(names.parse(live)->schema, 0, 7, live);
    auto orphan_meta = meta;
    orphan_meta["physical"] = orphan;
    const json body = {{"mappings", {{"_meta", orphan_meta}}}, {"aliases", {{orphan + ".fill", json::object()}}}};
    REQUIRE(index.request("PUT", "/" + orphan, body.dump()).status == 200);
    REQUIRE(comes_true([&] {
      engine->inspect();
      return index.request("GET", "/" + orphan).status == 404;
    }));
    CHECK(index.physical() == live);
    CHECK(found(*engine, "alpha") == Paths{"a.md"});
  });
}

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
    auto state = state_of(index);
    state["state"]["schema"] = elasticsearch::schema_version + 1;
    put_state(index, state);
    CHECK(engine->inspect().schema == Schema::newer);
    CHECK(found(*engine, "alpha") == Paths{"a.md"});
  });
}

TEST_CASE("a document edited so that count and fingerprint stay the same is rewritten") {
  on_every_server([](ElasticsearchIndex& index) {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta")}, 1);
    const auto stored = json::parse(index.request("GET", document_path(index, "b.md")).body);
    auto source = stored.at("_source");
    source["title"] = "forged";
    // With a version of its own that equals the stored generation the listing could not tell: the engine takes only greater ones.
    CHECK(index.request("PUT", document_path(index, "b.md") + "?version=1000&version_type=external", source.dump()).status == 409);
    REQUIRE(index.request("PUT", document_path(index, "b.md"), source.dump()).status == 200);
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
    REQUIRE(index.request("PUT", document_path(index, "a.md") + "?version=99999999&version_type=external", R"({"kind":"page"})").status == 200);
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

