// The audit's listing over several pages of a real index.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "engines/elasticsearch_index.hpp"
#include "ingest/elasticsearch/listing_page.hpp"
#include "ingest/fingerprint.hpp"
#include "support/search_server.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::ingest;
using namespace tidemark::ingest::test;

std::vector<Operation> pages(int count) {
  std::vector<Operation> all;
  for (int number = 0; number < count; ++number) all.push_back(page(fmt::format("{:05}.md", number), "alpha"));
  return all;
}

// Three documents without a path, in one segment with one of ours.
void write_keyless_strangers(ElasticsearchIndex& index, const std::string& beside) {
  const auto ours = document_id(test_source().name, beside, "");
  std::string body = fmt::format("{{\"update\":{{\"_id\":\"{}\"}}}}\n{{\"doc\":{{\"title\":\"edited\"}}}}\n", ours);
  for (int number = 0; number < 3; ++number) body += fmt::format("{{\"index\":{{\"_id\":\"stranger-{}\"}}}}\n{{\"title\":\"by hand\"}}\n", number);
  const auto answer = index.request("POST", "/" + index.physical() + "/_bulk?refresh=true", body);
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
}

bool strangers_are_left(ElasticsearchIndex& index) {
  for (int number = 0; number < 3; ++number) {
    if (index.request("GET", fmt::format("/{}/_doc/stranger-{}", index.physical(), number)).status == 200) return true;
  }
  return false;
}

void audit_with_strangers(int documents) {
  for (const auto& name : testing::search_server_names()) {
    CAPTURE(name);
    ElasticsearchIndex index(testing::shared_search_server(name).url);
    const auto engine = index.open();
    commit_run(*engine, Mode::rebuild, 1'000, pages(documents), 1);
    write_keyless_strangers(index, "00000.md");
    std::vector<Operation> repair{page("00000.md", "alpha")};
    CHECK_FALSE(engine->inspect().check_holds);
    const auto run = engine->begin({.mode = Mode::audit, .generation = 2'000, .source = test_source()});
    const auto rows = listed(*engine);
    REQUIRE(rows.size() == static_cast<std::size_t>(documents));
    CHECK(rows.front().altered);
    CHECK_FALSE(rows.back().altered);
    run->apply(repair);
    run->commit(checkpoint(1));
    CHECK_FALSE(strangers_are_left(index));
  }
}

}  // namespace

TEST_CASE("an audit finds documents without a path behind its first page") { audit_with_strangers(elasticsearch::listing_page + 500); }

TEST_CASE("an audit finds documents without a path where a page ends among them") { audit_with_strangers(elasticsearch::listing_page - 1); }
