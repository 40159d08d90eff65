// What the reading half promises: pages of documents, searches, and that a run is seen whole or not at all.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ingest/engine_contract.hpp"
#include "ingest/engine_contract_promises.hpp"

namespace tidemark::ingest::test {

namespace {

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

void check_promises_of_readers(EngineUnderTest& index) {
  promise(index, "pages follow one another without gaps", pages_follow_one_another_without_gaps);
  promise(index, "a document's row says what it is", a_document_row_says_what_it_is);
  promise(index, "a hit has everything that the API promises", a_hit_has_everything_that_the_api_promises);
  promise(index, "all words must occur and nothing is an operator", all_words_must_occur_and_nothing_is_an_operator);
  promise(index, "filters narrow a search", filters_narrow_a_search);
  promise(index, "the pages of a search are cut from one order", the_pages_of_a_search_are_cut_from_one_order);
  promise(index, "readers see whole commits while runs go on", readers_see_whole_commits_while_runs_go_on);
}

}  // namespace tidemark::ingest::test
