// What happens between two agents on one real index.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/error.hpp"
#include "engines/elasticsearch_index.hpp"
#include "ingest/elasticsearch/names.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;
using nlohmann::json;
using Paths = std::vector<std::string>;

// Another agent's lease, which nobody renews.
void give_the_lease_to_another(ElasticsearchIndex& index) {
  auto state = index.state();
  auto& lease = state.at("state").at("lease");
  lease["holder"] = "another";
  lease["holder_name"] = "elsewhere/1";
  index.put_state(state);
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
    const auto before = index.state().at("state").at("lease").at("renewals").get<std::int64_t>();
    { engine->begin({.mode = Mode::diff, .generation = 2'000, .source = test_source()})->apply(std::vector<Operation>{page("half.md", "half")}); }
    REQUIRE(comes_true([&] { return index.state().at("state").at("lease").at("renewals").get<std::int64_t>() > before; }));
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
