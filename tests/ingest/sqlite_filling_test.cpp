// How a rebuild leaves the search tables, as another client sees them.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "ingest/sqlite_index.hpp"

namespace tidemark::ingest::test {
namespace {

// Pages of words that occur once each, so that every word costs the index memory.
std::vector<Operation> pages_of_rare_words(int count, int words) {
  std::mt19937 random(11);
  std::vector<Operation> pages;
  for (int i = 0; i < count; ++i) {
    std::string text = "page" + std::to_string(i);
    for (int word = 0; word < words; ++word) text += " w" + std::to_string(random()) + std::to_string(random());
    pages.push_back(page("page-" + std::to_string(1'000 + i) + ".md", text));
  }
  return pages;
}

std::int64_t segments(sqlite::Connection& client) { return client.integer("SELECT count(DISTINCT segid) FROM search_idx"); }

// https://www.sqlite.org/fts5.html#configuration_options; what is not set has these values, too.
void check_defaults(sqlite::Connection& client) {
  std::map<std::string, std::int64_t> options{{"automerge", 4}, {"crisismerge", 16}, {"hashsize", 1'048'576}, {"usermerge", 4}};
  sqlite::StatementScope rows = client.cached("SELECT k, v FROM search_config");
  while (rows->step()) {
    const std::string name(rows->bytes(0));
    if (options.contains(name)) CHECK_MESSAGE(rows->integer(1) == options[name], name);
  }
}

}  // namespace

TEST_CASE("a large rebuild leaves its search tables merged, sound and with FTS5's own settings") {
  SqliteIndex index;
  const auto engine = index.open();
  const auto pages = pages_of_rare_words(80, 12'000);
  commit_run(*engine, Mode::rebuild, 1'000, pages, 1);

  const auto client = index.client();
  check_defaults(*client);
  CHECK(segments(*client) <= 2);  // one, and what was gathered last
  CHECK(client->integer("SELECT max(segid) FROM search_idx") > 5);  // there was something to merge
  client->execute("INSERT INTO search(search, rank) VALUES ('integrity-check', 1)");
  for (const int i : {0, 40, 79}) CHECK(found(*engine, "page" + std::to_string(i)) == std::vector<std::string>{"page-" + std::to_string(1'000 + i) + ".md"});
}

TEST_CASE("a small rebuild is not merged at all, and ends with FTS5's own settings") {
  SqliteIndex index;
  const auto engine = index.open();
  commit_run(*engine, Mode::rebuild, 1'000, pages_of_rare_words(3, 10), 1);
  const auto client = index.client();
  check_defaults(*client);
  CHECK(segments(*client) == 1);
  CHECK(found(*engine, "page1") == std::vector<std::string>{"page-1001.md"});
}

}  // namespace tidemark::ingest::test
