// What the writing half promises: runs, facts, the check, the listing that an audit compares.
#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>
#include <string>
#include <vector>

#include "ingest/engine_contract.hpp"
#include "ingest/engine_contract_promises.hpp"

namespace tidemark::ingest::test {

namespace {

void check_same(const Document& stored, const Document& written) {
  CHECK(stored.key == written.key);
  CHECK(stored.oid == written.oid);
  CHECK(stored.fingerprint == written.fingerprint);
  CHECK(stored.size == written.size);
  CHECK(stored.content.title == written.content.title);
  CHECK(stored.content.description == written.content.description);
  CHECK(stored.content.lang == written.content.lang);
  CHECK(stored.content.tags == written.content.tags);
  CHECK(stored.content.date == written.content.date);
  CHECK(stored.content.front_matter == written.content.front_matter);
  CHECK(stored.content.problems == written.content.problems);
  REQUIRE(stored.content.sections.size() == written.content.sections.size());
  for (std::size_t i = 0; i < written.content.sections.size(); ++i) {
    CAPTURE(i);
    CHECK(stored.content.sections[i].heading == written.content.sections[i].heading);
    CHECK(stored.content.sections[i].content == written.content.sections[i].content);
    CHECK(stored.content.sections[i].code == written.content.sections[i].code);
    CHECK(stored.content.sections[i] == written.content.sections[i]);
  }
  CHECK(stored.content == written.content);
  CHECK(stored.generation == written.generation);
  CHECK(stored.revision == written.revision);
  CHECK(stored.committed_at == written.committed_at);
}

void an_index_that_does_not_exist_yet(Engine& engine) {
  const Facts facts = engine.inspect();
  CHECK(facts.schema == Schema::none);
  CHECK_FALSE(facts.state.has_value());
  CHECK(facts.writable);
  CHECK_FALSE(engine.ready());
  CHECK(listed(engine).empty());
  CHECK(engine.documents({}).rows.empty());
  CHECK_FALSE(engine.document({.path = "a.md", .fragment = ""}).has_value());
  CHECK(engine.quarantine(10).empty());
  CHECK(found(engine, "word").empty());
}

void facts_say_what_was_committed(EngineUnderTest& index) {
  {
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta"), quarantined("c.md", "binary")}, 1);
  }
  const auto engine = index.open();
  const Facts facts = engine->inspect();
  CHECK(facts.schema == Schema::ours);
  CHECK_FALSE(facts.tampered);
  CHECK_MESSAGE(facts.check_holds, facts.check_detail);
  CHECK(facts.documents == 2);
  CHECK(facts.quarantined == 1);
  REQUIRE(facts.state.has_value());
  CHECK(facts.state->source == test_source());
  CHECK(facts.state->generation == 1'000);
  CHECK_FALSE(facts.state->intent_open);
  REQUIRE(facts.state->checkpoint.has_value());
  CHECK(*facts.state->checkpoint == checkpoint(1));
  CHECK(engine->ready());
}

void the_check_holds_after_every_kind_of_run(Engine& engine) {
  const auto holds = [&] {
    const Facts facts = engine.inspect();
    CHECK_MESSAGE(facts.check_holds, facts.check_detail);
    CHECK_FALSE(facts.tampered);
  };
  commit_run(engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
  holds();
  commit_run(engine, Mode::diff, 2'000, {page("a.md", "beta", 2), page("b.md", "gamma"), removal("z.md")}, 2);
  holds();
  commit_run(engine, Mode::audit, 3'000, {quarantined("a.md", "too large")}, 3);
  holds();
  commit_run(engine, Mode::diff, 4'000, {}, 4);
  holds();
  CHECK(engine.inspect().state->checkpoint->commit == oid(4));
  commit_run(engine, Mode::rebuild, 5'000, {page("a.md", "alpha")}, 5);
  holds();
  CHECK(engine.inspect().state->generation == 5'000);
}

void applying_again_changes_nothing(Engine& engine) {
  commit_run(engine, Mode::rebuild, 1'000, {page("a.md", "alpha")}, 1);
  for (std::int64_t generation = 2'000; generation < 4'000; generation += 1'000) {
    commit_run(engine, Mode::diff, generation, {page("a.md", "alpha beta", 2), removal("absent.md")}, 2);
    CHECK(found(engine, "beta") == Paths{"a.md"});
    CHECK(engine.inspect().documents == 1);
  }
}

void the_last_operation_on_a_key_counts(Engine& engine) {
  commit_run(engine, Mode::rebuild, 1'000, {page("a.md", "first"), page("b.md", "kept")}, 1);
  const auto run = engine.begin({.mode = Mode::diff, .generation = 2'000, .source = test_source()});
  const std::vector<Operation> batch{page("a.md", "second", 2), removal("a.md"), page("a.md", "third", 3), removal("b.md"), page("new.md", "one"), page("new.md", "two", 2)};
  CHECK(run->apply(batch).size() == batch.size());
  const std::vector<Operation> later{page("a.md", "fourth", 4), page("b.md", "again", 2), removal("new.md")};
  CHECK(run->apply(later).size() == later.size());
  run->commit(checkpoint(2));
  CHECK(found(engine, "fourth") == Paths{"a.md"});
  for (const char* gone : {"first", "second", "third", "kept", "one", "two"}) CHECK_MESSAGE(found(engine, gone).empty(), gone);
  CHECK(paths_of(listed(engine)) == Paths{"a.md", "b.md"});
}

void the_last_operation_on_a_key_counts_in_a_rebuild_too(Engine& engine) {
  const auto run = engine.begin({.mode = Mode::rebuild, .generation = 1'000, .source = test_source()});
  const std::vector<Operation> batch{page("b.md", "first"), page("d.md", "late"), page("d.md", "later", 2), page("c.md", "between"), quarantined("e.md", "binary")};
  CHECK(run->apply(batch).size() == batch.size());
  const std::vector<Operation> later{page("a.md", "before"), page("e.md", "text"), quarantined("b.md", "too large"), page("c.md", "again", 2), removal("d.md"), page("f.md", "after")};
  CHECK(run->apply(later).size() == later.size());
  run->commit(checkpoint(1));
  CHECK(engine.inspect().check_holds);
  CHECK(engine.inspect().documents == 4);
  CHECK(engine.inspect().quarantined == 1);
  CHECK(paths_of(listed(engine)) == Paths{"a.md", "b.md", "c.md", "e.md", "f.md"});
  CHECK(found(engine, "again") == Paths{"c.md"});
  for (const char* gone : {"first", "late", "later", "between"}) CHECK_MESSAGE(found(engine, gone).empty(), gone);
}

void a_run_without_commit_leaves_everything_as_it_was(EngineUnderTest& index) {
  auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta")}, 1);
  for (const Mode mode : {Mode::diff, Mode::audit, Mode::rebuild}) {
    CAPTURE(static_cast<int>(mode));
    {
      const auto run = engine->begin({.mode = mode, .generation = 2'000, .source = test_source()});
      run->apply(std::vector<Operation>{page("a.md", "other", 2), removal("b.md"), page("c.md", "gamma")});
      // In the middle of it, readers see the last commit.
      CHECK(found(*engine, "alpha") == Paths{"a.md"});
      CHECK(found(*engine, "gamma").empty());
      CHECK(paths_of(engine->documents({})) == Paths{"a.md", "b.md"});
    }
    const Facts facts = engine->inspect();
    REQUIRE(facts.state.has_value());
    CHECK(facts.state->checkpoint == checkpoint(1));
    // An engine without transactions may show the half that was done, if its check then fails.
    if (facts.check_holds && !facts.state->intent_open) {
      CHECK(found(*engine, "alpha") == Paths{"a.md"});
      CHECK(found(*engine, "gamma").empty());
      CHECK(paths_of(listed(*engine)) == Paths{"a.md", "b.md"});
    }
  }
  engine.reset();
  CHECK(found(*index.open(), "alpha") == Paths{"a.md"});
}

void a_rebuild_holds_just_what_it_was_given(Engine& engine) {
  commit_run(engine, Mode::rebuild, 1'000, {page("old.md", "alpha"), page("both.md", "beta"), quarantined("q.md", "binary")}, 1);
  commit_run(engine, Mode::rebuild, 2'000, {page("both.md", "gamma", 2), page("new.md", "delta")}, 2);
  CHECK(paths_of(listed(engine)) == Paths{"both.md", "new.md"});
  CHECK(engine.quarantine(10).empty());
  CHECK(found(engine, "alpha").empty());
  CHECK(found(engine, "beta").empty());
  CHECK(found(engine, "gamma") == Paths{"both.md"});
}

void a_listing_is_in_byte_order_whatever_the_paths(Engine& engine) {
  std::vector<Operation> operations;
  for (auto path = odd_paths.rbegin(); path != odd_paths.rend(); ++path) operations.emplace_back(page(*path, "content"));
  Document record = page("a.md", "a record");
  record.key.fragment = "row\xff 1";
  operations.emplace_back(record);
  operations.emplace_back(quarantined("a.md!", "between"));
  commit_run(engine, Mode::rebuild, 1'000, operations, 1);

  std::vector<DocumentKey> expected;
  for (const std::string& path : odd_paths) expected.push_back({.path = path, .fragment = ""});
  expected.push_back(record.key);
  expected.push_back({.path = "a.md!", .fragment = ""});
  std::sort(expected.begin(), expected.end(), [](const DocumentKey& a, const DocumentKey& b) { return std::tie(a.path, a.fragment) < std::tie(b.path, b.fragment); });
  std::vector<DocumentKey> keys;
  for (const Listed& one : listed(engine)) keys.push_back(one.key);
  CHECK(keys == expected);
  for (const std::string& path : odd_paths) {
    const auto stored = engine.document({.path = path, .fragment = ""});
    REQUIRE(stored.has_value());
    CHECK(stored->key.path == path);
  }

  std::size_t seen = 0;
  engine.list([&](const Listed&) { return ++seen < 3; });
  CHECK(seen == 3);
}

void a_document_comes_back_as_it_was_written(Engine& engine) {
  Document document = page("docs/\xE8\xA8\x88\xE7\xAE\x97.md", "prose with \"quotes\" and\n\n a second line \xF0\x9F\x90\x99");
  document.content.kind = parser::Kind::data;
  document.content.title = "Title <b>";
  document.content.description = "what it is";
  document.content.lang = "ja";
  document.content.tags = {"one", "two words", "\xE4\xB8\x89", ""};
  document.content.date = "2019-09-27T00:00:00Z";
  document.content.draft = true;
  document.content.url = "/blog/1";
  document.content.id = "id-1";
  document.content.front_matter = R"({"weight":3,"nested":{"a":[1,null]}})";
  document.content.problems = {"front matter, line 3: a tab"};
  document.content.sections.push_back({.anchor = "", .level = 0, .heading = "", .breadcrumb = "", .content = "", .code = ""});
  document.content.sections.push_back({.anchor = "a-1", .level = 6, .heading = "A & B", .breadcrumb = "heading > A & B", .content = "", .code = "int main() {}\n"});
  document.content.sections.push_back({.anchor = "\xE8\xA8\x88", .level = 2, .heading = "last", .breadcrumb = "heading > last", .content = "end", .code = "x"});
  Document bare;
  bare.key.path = "bare.md";
  commit_run(engine, Mode::rebuild, 1'000, {document, bare}, 1);
  for (const Document& written : {document, bare}) {
    const auto stored = engine.document(written.key);
    REQUIRE(stored.has_value());
    check_same(*stored, written);
  }
}

void a_key_is_a_document_or_in_quarantine(Engine& engine) {
  commit_run(engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), quarantined("b.md", "binary: a NUL byte at offset 12")}, 1);
  commit_run(engine, Mode::diff, 2'000, {quarantined("a.md", "too large", 2), page("b.md", "beta", 2)}, 2);
  CHECK_FALSE(engine.document({.path = "a.md", .fragment = ""}).has_value());
  CHECK(found(engine, "alpha").empty());
  CHECK(found(engine, "beta") == Paths{"b.md"});
  const auto entries = engine.quarantine(10);
  REQUIRE(entries.size() == 1);
  const Quarantined expected = quarantined("a.md", "too large", 2);
  CHECK(entries[0].key == expected.key);
  CHECK(entries[0].oid == expected.oid);
  CHECK(entries[0].fingerprint == expected.fingerprint);
  CHECK(entries[0].reason == expected.reason);
  CHECK(entries[0].revision == expected.revision);
  const auto all = listed(engine);
  REQUIRE(all.size() == 2);
  CHECK(all[0].quarantined);
  CHECK(all[0].fingerprint == expected.fingerprint);
  CHECK_FALSE(all[1].quarantined);
  Facts facts = engine.inspect();
  CHECK(facts.documents == 1);
  CHECK(facts.quarantined == 1);
  commit_run(engine, Mode::diff, 3'000, {quarantined("a.md", "another reason", 3), removal("b.md")}, 3);
  CHECK(engine.quarantine(10).at(0).reason == "another reason");
  commit_run(engine, Mode::diff, 4'000, {removal("a.md")}, 4);
  CHECK(listed(engine).empty());
  facts = engine.inspect();
  CHECK(facts.documents == 0);
  CHECK(facts.quarantined == 0);
}

void quarantine_takes_paths_of_any_length(Engine& engine) {
  const std::string longer(16'001, 'y');
  const std::string longest(64'000, 'z');
  const auto keys = [&] {
    Paths paths;
    for (const auto& entry : engine.quarantine(10)) paths.push_back(entry.key.path);
    return paths;
  };
  commit_run(engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), quarantined(longer, "too long")}, 1);
  CHECK(keys() == Paths{longer});
  commit_run(engine, Mode::diff, 2'000, {quarantined(longest, "too long, too", 2)}, 2);
  CHECK(keys() == Paths{longer, longest});
  CHECK(engine.inspect().quarantined == 2);
  commit_run(engine, Mode::diff, 3'000, {quarantined(longer, "another reason", 3)}, 3);
  CHECK(keys() == Paths{longer, longest});
  CHECK(engine.quarantine(10).at(0).reason.starts_with("another reason"));
  commit_run(engine, Mode::diff, 4'000, {removal(longer)}, 4);
  CHECK(keys() == Paths{longest});
  const Facts facts = engine.inspect();
  CHECK(facts.documents == 1);
  CHECK(facts.quarantined == 1);
  CHECK(facts.check_holds);
}

void a_strangers_write_fails_the_check_and_an_audit_heals_it(EngineUnderTest& index) {
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta")}, 1);
  index.write_a_stranger({.path = "stranger.md", .fragment = ""});
  Facts facts = engine->inspect();
  CHECK_FALSE(facts.check_holds);
  CHECK_FALSE(facts.check_detail.empty());
  CHECK_FALSE(facts.tampered);
  CHECK(paths_of(listed(*engine)) == Paths{"a.md", "b.md", "stranger.md"});
  commit_run(*engine, Mode::audit, 2'000, {removal("stranger.md")}, 1);
  facts = engine->inspect();
  CHECK_MESSAGE(facts.check_holds, facts.check_detail);
  CHECK(facts.documents == 2);
  CHECK(paths_of(listed(*engine)) == Paths{"a.md", "b.md"});
}

void an_altered_document_is_listed_as_altered(EngineUnderTest& index) {
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, {page("a.md", "alpha"), page("b.md", "beta")}, 1);
  index.alter({.path = "b.md", .fragment = ""}, "defaced");
  CHECK_FALSE(engine->inspect().check_holds);
  auto all = listed(*engine);
  REQUIRE(all.size() == 2);
  CHECK_FALSE(all[0].altered);
  CHECK(all[1].altered);
  commit_run(*engine, Mode::audit, 2'000, {page("b.md", "beta")}, 1);
  CHECK(engine->inspect().check_holds);
  all = listed(*engine);
  CHECK_FALSE(all[1].altered);
  CHECK(found(*engine, "defaced").empty());
  CHECK(found(*engine, "beta") == Paths{"b.md"});
}

}  // namespace

void check_promises_of_runs(EngineUnderTest& index) {
  promise(index, "an index that does not exist yet is empty", an_index_that_does_not_exist_yet);
  promise(index, "facts say what was committed, also after opening it again", facts_say_what_was_committed);
  promise(index, "the check holds after every kind of run", the_check_holds_after_every_kind_of_run);
  promise(index, "applying again changes nothing", applying_again_changes_nothing);
  promise(index, "the last operation on a key counts", the_last_operation_on_a_key_counts);
  promise(index, "the last operation on a key counts in a rebuild, too", the_last_operation_on_a_key_counts_in_a_rebuild_too);
  promise(index, "a run without commit leaves everything as it was", a_run_without_commit_leaves_everything_as_it_was);
  promise(index, "a rebuild holds just what it was given", a_rebuild_holds_just_what_it_was_given);
  promise(index, "a listing is in byte order whatever the paths", a_listing_is_in_byte_order_whatever_the_paths);
  promise(index, "a document comes back as it was written", a_document_comes_back_as_it_was_written);
  promise(index, "a key is a document or in quarantine", a_key_is_a_document_or_in_quarantine);
  promise(index, "the quarantine takes paths of any length", quarantine_takes_paths_of_any_length);
  promise(index, "a stranger's write fails the check and an audit heals it", a_strangers_write_fails_the_check_and_an_audit_heals_it);
  promise(index, "an altered document is listed as altered", an_altered_document_is_listed_as_altered);
}

}  // namespace tidemark::ingest::test
