#include "ingest/engine_contract.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace tidemark::ingest::test {

git::Oid oid(unsigned number) {
  std::array<unsigned char, git::Oid::size> raw{};
  for (std::size_t i = 0; i < 4; ++i) raw[i] = static_cast<unsigned char>(number >> (8 * i));
  raw.back() = 1;
  return git::Oid::from_raw(raw.data());
}

SourceIdentity test_source() { return {.name = "handbook", .origin = "git.example/team/handbook"}; }

Checkpoint checkpoint(unsigned commit) {
  return {.commit = oid(commit), .tree = oid(commit + 1'000'000), .committed_at = 1'700'000'000 + commit, .settings = "5e77", .parser_version = 1};
}

Document page(const std::string& path, const std::string& content, unsigned version) {
  Document document;
  document.key.path = path;
  document.oid = oid(version);
  document.fingerprint = digest(path + content + std::to_string(version));
  document.size = static_cast<std::int64_t>(content.size());
  document.content.kind = parser::Kind::page;
  document.content.title = "untitled";
  document.content.lang = "en";
  document.content.sections = {{.anchor = "top", .level = 1, .heading = "heading", .breadcrumb = "heading", .content = content, .code = ""}};
  document.generation = 1'000;
  document.revision = oid(7);
  document.committed_at = 1'700'000'000;
  return document;
}

void commit_run(Engine& engine, Mode mode, std::int64_t generation, const std::vector<Operation>& operations, unsigned commit) {
  const auto run = engine.begin({.mode = mode, .generation = generation, .source = test_source()});
  for (const Settled& settled : run->apply(operations)) CHECK_MESSAGE(settled.outcome == Settled::Outcome::applied, settled.reason);
  run->commit(checkpoint(commit));
}

std::vector<Listed> listed(Engine& engine) {
  std::vector<Listed> all;
  engine.list([&](const Listed& one) {
    all.push_back(one);
    return true;
  });
  return all;
}

std::vector<std::string> found(Engine& engine, const std::string& text) {
  SearchQuery query;
  query.text = text;
  query.limit = max_search_limit;
  std::vector<std::string> paths;
  const SearchResult result = engine.search(query);
  for (const Hit& hit : result.hits) paths.push_back(hit.path);
  CHECK(result.total == static_cast<std::int64_t>(paths.size()));
  return paths;
}

namespace {

using Paths = std::vector<std::string>;

Removal removal(const std::string& path) { return {.key = {.path = path, .fragment = ""}}; }

Quarantined quarantined(const std::string& path, const std::string& reason, unsigned version = 1) {
  return {.key = {.path = path, .fragment = ""}, .oid = oid(version), .fingerprint = digest(path + reason), .reason = reason, .revision = oid(7)};
}

Paths paths_of(const std::vector<Listed>& all) {
  Paths paths;
  for (const Listed& one : all) paths.push_back(one.key.path);
  return paths;
}

Paths paths_of(const DocumentPage& page) {
  Paths paths;
  for (const DocumentRow& row : page.rows) paths.push_back(row.key.path);
  return paths;
}

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

// Paths that upset databases: bytes that are not UTF-8, quotes, patterns, very long ones, prefixes of one another. In byte order, as git sorts.
const Paths odd_paths{"\x01",        "\t.md",   "\n.md", " .md",           "\"quoted\".md", "%.md",         "'; DROP TABLE document; --.md", "-x.md",      "A.md",
                      "A.md.md",     "Z.md",    "_.md",  "a",              "a.md",          "a/b.md",       "a0.md",                         "caf\xC3\xA9.md", "cafe\xCC\x81.md",
                      std::string(4'096, 'd'), "docs/\\.md", "\x7f.md", "\xE6\x97\xA5.md", "\xF0\x9F\x90\x99.md", "\xfe\xff.md", "\xff.md"};

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

void pages_follow_one_another_without_gaps(Engine& engine) {
  std::vector<Operation> operations;
  for (const std::string& path : odd_paths) operations.emplace_back(page(path, "content"));
  commit_run(engine, Mode::rebuild, 1'000, operations, 1);
  Paths all;
  DocumentPageQuery query;
  query.limit = 4;
  while (true) {
    const DocumentPage page = engine.documents(query);
    CHECK(page.rows.size() <= 4);
    for (const DocumentRow& row : page.rows) all.push_back(row.key.path);
    if (!page.next) break;
    query.after = page.next;
  }
  Paths expected = odd_paths;
  std::sort(expected.begin(), expected.end());
  CHECK(all == expected);

  // A page goes on behind its cursor's key, whether or not that is still there.
  query = {};
  query.limit = 2;
  query.prefix = "a";
  const DocumentPage first = engine.documents(query);
  CHECK(paths_of(first) == Paths{"a", "a.md"});
  REQUIRE(first.next.has_value());
  commit_run(engine, Mode::diff, 2'000, {removal("a.md"), page("a.zzz", "content")}, 2);
  query.after = first.next;
  CHECK(paths_of(engine.documents(query)) == Paths{"a.zzz", "a/b.md"});

  query = {};
  query.prefix = "\xff";
  CHECK(paths_of(engine.documents(query)) == Paths{"\xff.md"});
  query.prefix = "A.md";
  CHECK(paths_of(engine.documents(query)) == Paths{"A.md", "A.md.md"});
  query = {};
  for (const char* cursor : {"", "?", "AAAA", "not a cursor", "////"}) {
    query.after = cursor;
    CHECK_THROWS_AS(engine.documents(query), InvalidQuery);
  }
}

void a_document_row_says_what_it_is(Engine& engine) {
  Document document = page("a.json", "alpha", 3);
  document.content.kind = parser::Kind::data;
  document.content.title = "The title";
  commit_run(engine, Mode::rebuild, 1'000, {document}, 1);
  const DocumentPage page = engine.documents({});
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].oid == document.oid);
  CHECK(page.rows[0].kind == "data");
  CHECK(page.rows[0].title == "The title");
  CHECK(page.rows[0].revision == document.revision);
  CHECK_FALSE(page.next.has_value());
}

void a_hit_has_everything_that_the_api_promises(Engine& engine) {
  Document document = page("docs/\xff <a>.md", "the quick brown fox");
  document.content.title = "Title";
  document.content.url = "/x";
  commit_run(engine, Mode::rebuild, 1'000, {document}, 1);
  SearchQuery query;
  query.text = "fox";
  const SearchResult result = engine.search(query);
  CHECK(result.total == 1);
  REQUIRE(result.hits.size() == 1);
  const Hit& hit = result.hits[0];
  CHECK(hit.path == "docs/%FF <a>.md");
  CHECK(hit.title == "Title");
  CHECK(hit.source == "handbook");
  CHECK(hit.url == "/x");
  CHECK(hit.revision == document.revision.hex());
  CHECK(hit.kind == "page");
  CHECK(hit.lang == "en");
  CHECK(hit.score > 0);
  REQUIRE(hit.sections.size() == 1);
  CHECK(hit.sections[0].anchor == "top");
  CHECK(hit.sections[0].heading == "heading");
  CHECK(hit.sections[0].snippet == "the quick brown <mark>fox</mark>");
}

void all_words_must_occur_and_nothing_is_an_operator(Engine& engine) {
  commit_run(engine, Mode::rebuild, 1'000,
             {page("1.md", "red green blue"), page("2.md", "red blue"), page("3.md", "green NOT red OR NEAR AND col:umn"), page("4.md", "greenish")}, 1);
  const auto sorted = [&](const std::string& text) {
    Paths paths = found(engine, text);
    std::sort(paths.begin(), paths.end());
    return paths;
  };
  CHECK(sorted("red blue") == Paths{"1.md", "2.md"});
  CHECK(sorted("\"red blue\"") == Paths{"2.md"});
  CHECK(sorted("RED") == Paths{"1.md", "2.md", "3.md"});
  CHECK(sorted("green") == Paths{"1.md", "3.md"});
  CHECK(sorted("green*") == Paths{"1.md", "3.md", "4.md"});
  CHECK(sorted("green NOT blue").empty());
  CHECK(sorted("green NOT red") == Paths{"3.md"});
  CHECK(sorted("red OR near") == Paths{"3.md"});
  CHECK(sorted("col:umn") == Paths{"3.md"});
  CHECK(sorted("title:red").empty());
  CHECK(sorted("NEAR(red)") == Paths{});
  CHECK(sorted("(red)") == Paths{"1.md", "2.md", "3.md"});
  CHECK(sorted("\"red") == Paths{"1.md", "2.md", "3.md"});
  CHECK(sorted("{red} ^red -red") == Paths{"1.md", "2.md", "3.md"});
  for (const std::string& text : {std::string(""), std::string("   "), std::string("\""), std::string("* \"\" ---"), std::string("x", 0), std::string(max_query_bytes + 1, 'x')}) {
    SearchQuery query;
    query.text = text;
    CHECK_THROWS_AS(engine.search(query), InvalidQuery);
  }
}

void filters_narrow_a_search(Engine& engine) {
  Document japanese = page("docs/a.md", "word");
  japanese.content.lang = "ja";
  japanese.content.tags = {"one", "two words"};
  Document data = page("docs/deep/b.json", "word");
  data.content.kind = parser::Kind::data;
  commit_run(engine, Mode::rebuild, 1'000, {japanese, data, page("docs.md", "word"), page("docs0", "word"), page("other", "none")}, 1);
  const auto with = [&](auto set) {
    SearchQuery query;
    query.text = "word";
    set(query);
    Paths paths;
    const SearchResult result = engine.search(query);
    for (const Hit& hit : result.hits) paths.push_back(hit.path);
    CHECK(result.total == static_cast<std::int64_t>(paths.size()));
    std::sort(paths.begin(), paths.end());
    return paths;
  };
  CHECK(with([](SearchQuery& q) { q.path = "docs"; }) == Paths{"docs/a.md", "docs/deep/b.json"});
  CHECK(with([](SearchQuery& q) { q.path = "docs/"; }) == Paths{"docs/a.md", "docs/deep/b.json"});
  CHECK(with([](SearchQuery& q) { q.path = "docs/a.md"; }) == Paths{"docs/a.md"});
  CHECK(with([](SearchQuery& q) { q.path = "doc"; }) == Paths{});
  CHECK(with([](SearchQuery& q) { q.tag = "two words"; }) == Paths{"docs/a.md"});
  CHECK(with([](SearchQuery& q) { q.tag = "two"; }) == Paths{});
  CHECK(with([](SearchQuery& q) { q.kind = "data"; }) == Paths{"docs/deep/b.json"});
  CHECK(with([](SearchQuery& q) { q.lang = "ja"; }) == Paths{"docs/a.md"});
  CHECK(with([](SearchQuery& q) { q.source = "handbook"; }).size() == 4);
  CHECK(with([](SearchQuery& q) { q.source = "another"; }).empty());
  CHECK(with([](SearchQuery& q) { q.lang = "en", q.kind = "page", q.path = "docs.md"; }) == Paths{"docs.md"});
}

void the_pages_of_a_search_are_cut_from_one_order(Engine& engine) {
  std::vector<Operation> operations;
  for (int i = 0; i < 25; ++i) operations.emplace_back(page("p" + std::to_string(100 + i * 7 % 25), i % 5 == 0 ? "word word and others" : "word and some others"));
  commit_run(engine, Mode::rebuild, 1'000, operations, 1);
  const auto slice = [&](int offset, int limit) {
    SearchQuery query;
    query.text = "word";
    query.offset = offset;
    query.limit = limit;
    const SearchResult result = engine.search(query);
    CHECK(result.total == 25);
    std::vector<std::pair<double, std::string>> order;
    for (const Hit& hit : result.hits) order.emplace_back(-hit.score, hit.path);
    return order;
  };
  const auto whole = slice(0, 100);
  REQUIRE(whole.size() == 25);
  CHECK(std::is_sorted(whole.begin(), whole.end()));
  for (const int size : {1, 3, 7}) {
    std::vector<std::pair<double, std::string>> joined;
    for (int offset = 0; offset < 25; offset += size) {
      const auto part = slice(offset, size);
      joined.insert(joined.end(), part.begin(), part.end());
    }
    CHECK(joined == whole);
  }
  CHECK(slice(25, 10).empty());
  SearchQuery query;
  query.text = "word";
  query.limit = max_search_limit + 1;
  CHECK_THROWS_AS(engine.search(query), InvalidQuery);
  query.limit = 1;
  query.offset = max_search_window;
  CHECK_THROWS_AS(engine.search(query), InvalidQuery);
  query.offset = -1;
  CHECK_THROWS_AS(engine.search(query), InvalidQuery);
}

// While runs replace all documents at once, every answer is one commit's: all documents carry the same word.
void readers_see_whole_commits_while_runs_go_on(Engine& engine) {
  const auto fill = [](unsigned version) {
    std::vector<Operation> operations;
    for (int i = 0; i < 20; ++i) operations.emplace_back(page("p" + std::to_string(i), "common v" + std::to_string(version), version));
    return operations;
  };
  commit_run(engine, Mode::rebuild, 1'000, fill(1), 1);
  std::atomic<bool> done = false;
  std::atomic<int> answers = 0;
  std::atomic<int> mixed = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        SearchQuery query;
        query.text = "common";
        query.limit = 100;
        const SearchResult result = engine.search(query);
        std::vector<std::string> snippets;
        for (const Hit& hit : result.hits) snippets.push_back(hit.sections.at(0).snippet);
        std::sort(snippets.begin(), snippets.end());
        if (result.total != 20 || snippets.size() != 20 || snippets.front() != snippets.back()) ++mixed;
        if (engine.documents({}).rows.size() != 20) ++mixed;
        ++answers;
      }
    });
  }
  for (unsigned version = 2; version < 12; ++version) {
    commit_run(engine, version % 4 == 0 ? Mode::rebuild : Mode::diff, version * 1'000, fill(version), version);
    for (const int before = answers; answers < before + 6;) std::this_thread::yield();
  }
  done = true;
  readers.clear();
  CHECK(mixed == 0);
  CHECK(engine.inspect().check_holds);
}

}  // namespace

void check_engine_contract(const EngineFactory& make) {
  const auto index = make();
  const auto promise = [&](const char* name, auto&& check) {
    SUBCASE(name) {
      if constexpr (std::is_invocable_v<decltype(check), Engine&>) {
        const auto engine = index->open();
        check(*engine);
      } else {
        check(*index);
      }
    }
  };
  promise("an index that does not exist yet is empty", an_index_that_does_not_exist_yet);
  promise("facts say what was committed, also after opening it again", facts_say_what_was_committed);
  promise("the check holds after every kind of run", the_check_holds_after_every_kind_of_run);
  promise("applying again changes nothing", applying_again_changes_nothing);
  promise("the last operation on a key counts", the_last_operation_on_a_key_counts);
  promise("a run without commit leaves everything as it was", a_run_without_commit_leaves_everything_as_it_was);
  promise("a rebuild holds just what it was given", a_rebuild_holds_just_what_it_was_given);
  promise("a listing is in byte order whatever the paths", a_listing_is_in_byte_order_whatever_the_paths);
  promise("a document comes back as it was written", a_document_comes_back_as_it_was_written);
  promise("a key is a document or in quarantine", a_key_is_a_document_or_in_quarantine);
  promise("a stranger's write fails the check and an audit heals it", a_strangers_write_fails_the_check_and_an_audit_heals_it);
  promise("an altered document is listed as altered", an_altered_document_is_listed_as_altered);
  promise("pages follow one another without gaps", pages_follow_one_another_without_gaps);
  promise("a document's row says what it is", a_document_row_says_what_it_is);
  promise("a hit has everything that the API promises", a_hit_has_everything_that_the_api_promises);
  promise("all words must occur and nothing is an operator", all_words_must_occur_and_nothing_is_an_operator);
  promise("filters narrow a search", filters_narrow_a_search);
  promise("the pages of a search are cut from one order", the_pages_of_a_search_are_cut_from_one_order);
  promise("readers see whole commits while runs go on", readers_see_whole_commits_while_runs_go_on);
}

}  // namespace tidemark::ingest::test
