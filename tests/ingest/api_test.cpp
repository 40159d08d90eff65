#include <doctest/doctest.h>

#include <regex>

#include "api_fixture.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

const Tree pages{
    {"docs/guide.md",
     {"100644",
      "---\ntitle: The guide\ntags: [setup, 日本語]\nurl: /guide\n---\n# Guide\n\nFirst words.\n\n## Install it\n\nThe <b>needle</b> & 計算機.\n"}},
    {"data/list.json", {"100644", "{\"name\": \"needle\"}\n"}},
    {"readme.md", {"100644", "# Readme\n\nNothing here.\n"}}};

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

}  // namespace

TEST_CASE("status before the first revision has no target, no checkpoint and no documents") {
  ApiFixture fixture;
  const auto status = fixture.ask("GET /api/v1/status");
  CHECK(status.status == 200);
  CHECK(status.body["target"].is_null());
  CHECK(status.body["checkpoint"].is_null());
  CHECK(status.body["engine"]["kind"] == "sqlite");
  CHECK(status.body["documents"] == 0);
  CHECK(status.body["quarantine"] == 0);
  CHECK(status.body["last_success"].is_null());
}

TEST_CASE("status after a run names the commit, its tree and the counts") {
  ApiFixture fixture;
  const auto commit = fixture.volume.publish(pages);
  fixture.reconciler.reconcile_once();
  const auto status = fixture.ask("GET /api/v1/status").body;
  CHECK(status["target"]["commit"] == commit);
  CHECK(status["checkpoint"]["commit"] == commit);
  CHECK(status["checkpoint"]["tree"] == trimmed(fixture.volume.git({"rev-parse", commit + "^{tree}"})));
  CHECK(status["checkpoint"]["committed_at"] == std::stol(trimmed(fixture.volume.git({"show", "-s", "--format=%ct", commit}))));
  CHECK(status["source"] == Json{{"name", "docs"}, {"origin", "https://host.example/team/docs.git"}});
  CHECK(status["documents"] == 3);
  CHECK(status["failures"] == 0);
  CHECK(status["stalled"].is_null());
  CHECK(status["lease"]["held"] == true);
  CHECK(std::regex_match(status["last_success"].get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
}

TEST_CASE("a search answers with total and hits in the promised shape") {
  ApiFixture fixture;
  const auto commit = fixture.volume.publish(pages);
  fixture.reconciler.reconcile_once();
  const auto answer = fixture.ask("GET /api/v1/search?q=needle&kind=page");
  REQUIRE(answer.status == 200);
  CHECK(answer.body["total"] == 1);
  const auto& hit = answer.body["hits"][0];
  CHECK(hit["path"] == "docs/guide.md");
  CHECK(hit["title"] == "The guide");
  CHECK(hit["source"] == "docs");
  CHECK(hit["url"] == "/guide");
  CHECK(hit["revision"] == commit);
  CHECK(hit["kind"] == "page");
  CHECK(hit["score"].is_number());
  CHECK(hit["sections"][0]["anchor"] == "install-it");
  CHECK(hit["sections"][0]["heading"] == "Install it");
  CHECK(hit["sections"][0]["snippet"].get<std::string>().find("<mark>needle</mark>") != std::string::npos);
  CHECK(keys_of(hit["sections"][0]) == std::vector<std::string>{"anchor", "heading", "snippet"});
  CHECK(fixture.ask("GET /api/v1/search?q=%E8%A8%88%E7%AE%97").body["total"] == 1);
  CHECK(fixture.ask("GET /api/v1/search?q=needle").body["total"] == 2);
  CHECK(fixture.ask("GET /api/v1/search?q=needle&path=data").body["hits"][0]["path"] == "data/list.json");
  CHECK(fixture.ask("GET /api/v1/search?q=needle&source=other").body["total"] == 0);
  CHECK(fixture.ask("GET /api/v1/search?q=needle&tag=setup").body["total"] == 1);
  CHECK(fixture.ask("GET /api/v1/search?q=needle&limit=1&offset=1").body["hits"].size() == 1);
}

TEST_CASE("a search on an index that does not exist yet finds nothing") {
  ApiFixture fixture;
  CHECK(fixture.ask("GET /api/v1/search?q=needle").body == Json{{"total", 0}, {"hits", Json::array()}});
}

TEST_CASE("a wrong parameter is answered 400 and named") {
  ApiFixture fixture;
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"GET /api/v1/search", "q"},
      {"GET /api/v1/search?q=", "q"},
      {"GET /api/v1/search?q=%20", "q"},
      {"GET /api/v1/search?q=" + std::string(1'025, 'a'), "q"},
      {"GET /api/v1/search?q=a&q=b", "q"},
      {"GET /api/v1/search?q=a&limit=101", "limit"},
      {"GET /api/v1/search?q=a&limit=-1", "limit"},
      {"GET /api/v1/search?q=a&limit=ten", "limit"},
      {"GET /api/v1/search?q=a&limit=", "limit"},
      {"GET /api/v1/search?q=a&offset=9991", "offset"},
      {"GET /api/v1/search?q=a&kind=pages", "kind"},
      {"GET /api/v1/search?q=a&qq=b", "qq"},
      {"GET /api/v1/documents?limit=1001", "limit"},
      {"GET /api/v1/documents?limit=0", "limit"},
      {"GET /api/v1/documents?after=nonsense", "after"},
      {"GET /api/v1/documents/a.md?x=1", "x"},
      {"GET /api/v1/status?verbose=1", "verbose"},
      {"GET /api/v1/runs?limit=1001", "limit"},
      {"GET /api/v1/runs/1?x=", "x"},
      {"GET /api/v1/quarantine?limit=x", "limit"},
      {"GET /api/v1/wait", "commit"},
      {"GET /api/v1/wait?commit=main", "commit"},
      {"GET /api/v1/wait?commit=0123456", "commit"},
      {"GET /api/v1/wait?commit=" + std::string(40, 'a') + "&timeout=-1", "timeout"},
      {"GET /api/v1/wait?commit=" + std::string(40, 'a') + "&timeout=3601", "timeout"},
      {"GET /api/v1/wait?commit=" + std::string(40, 'a') + "&timeout=nan", "timeout"},
      {"GET /api/v1/wait?commit=" + std::string(40, 'a') + "&timeout=1e3", "timeout"},
      {"GET /api/v1/wait?commit=" + std::string(40, 'a') + "&timeout=10s", "timeout"},
      {"POST /api/v1/resync?mode=all", "mode"},
      {"POST /api/v1/resync?wait=x", "wait"},
      {"POST /api/v1/resync?allow-removals=yes", "allow-removals"},
      {"POST /api/v1/sync?now=1", "now"},
      {"POST /api/v1/quarantine/retry?wait=x", "wait"},
  };
  for (const auto& [line, parameter] : wrong) {
    CAPTURE(line);
    const auto answer = fixture.ask(line);
    CHECK(answer.status == 400);
    CHECK(answer.type() == "urn:tidemark:problem:invalid-parameter");
    CHECK(answer.body.value("parameter", "") == parameter);
    CHECK(answer.head.find("application/problem+json") != std::string::npos);
  }
  CHECK(fixture.history.list().empty());
}

TEST_CASE("an engine that is busy is a 503 that says to come again") {
  ApiFixture fixture;
  fixture.engine.fail_reads(true);
  const auto answer = fixture.ask("GET /api/v1/search?q=needle");
  CHECK(answer.status == 503);
  CHECK(answer.type() == "urn:tidemark:problem:unavailable");
  CHECK(answer.head.find("Retry-After: 1\r\n") != std::string::npos);
}

TEST_CASE("the listing has every file of the tree in path order, page by page") {
  ApiFixture fixture;
  Tree tree;
  for (int i = 0; i < 25; ++i) tree["f/" + std::to_string(i * 7 % 25) + ".md"] = {"100644", "text " + std::to_string(i)};
  tree["日本/計算機.md"] = {"100644", "x"};
  tree["odd \xff\n%41.md"] = {"100644", "y"};
  const auto commit = fixture.volume.publish(tree);
  fixture.reconciler.reconcile_once();
  Json rows = Json::array();
  std::string after;
  int pages_read = 0;
  do {
    const auto page = fixture.ask("GET /api/v1/documents?limit=10" + after);
    REQUIRE(page.status == 200);
    CHECK(page.body["documents"].size() <= 10);
    for (const auto& row : page.body["documents"]) rows.push_back(row);
    after = page.body["next"].is_null() ? "" : "&after=" + page.body["next"].get<std::string>();
    ++pages_read;
  } while (!after.empty());
  CHECK(pages_read == 3);
  std::size_t at = 0;
  for (const auto& [path, oid] : fixture.volume.files(commit)) {
    REQUIRE(at < rows.size());
    CAPTURE(path);
    CHECK(rows[at]["oid"] == oid);
    CHECK(rows[at]["revision"] == commit);
    CHECK(keys_of(rows[at]) == std::vector<std::string>{"fragment", "kind", "oid", "path", "revision", "title"});
    ++at;
  }
  CHECK(at == rows.size());
  CHECK(fixture.ask("GET /api/v1/documents?prefix=odd").body["documents"][0]["path"] == "odd %FF%0A%2541.md");
  CHECK(fixture.ask("GET /api/v1/documents?prefix=%E6%97%A5").body["documents"].size() == 1);
}

TEST_CASE("one document is found by any bytes of its path, and shown as it is stored") {
  ApiFixture fixture;
  Tree tree = pages;
  tree["odd \xff\n%41#?.md"] = {"100644", "# Odd\n"};
  const auto commit = fixture.volume.publish(tree);
  fixture.reconciler.reconcile_once();

  const auto odd = fixture.ask("GET /api/v1/documents/odd%20%FF%0A%2541%23%3F.md");
  REQUIRE(odd.status == 200);
  CHECK(odd.body["path_key"] == "6f646420ff0a253431233f2e6d64");
  CHECK(odd.body["title"] == "Odd");

  const auto guide = fixture.ask("GET /api/v1/documents/docs/guide.md").body;
  CHECK(guide["source"] == "docs");
  CHECK(guide["path"] == "docs/guide.md");
  CHECK(guide["oid"] == fixture.volume.files(commit).at("docs/guide.md"));
  CHECK(guide["size"] == tree.at("docs/guide.md").content.size());
  CHECK(guide["tags"] == Json{"setup", "日本語"});
  CHECK(guide["front_matter"].is_object());
  CHECK(guide["revision"] == commit);
  CHECK(guide["sections"].size() == 2);
  CHECK(guide["sections"][1]["breadcrumb"] == "Guide > Install it");

  const auto missing = fixture.ask("GET /api/v1/documents/docs/other.md");
  CHECK(missing.status == 404);
  CHECK(missing.type() == "urn:tidemark:problem:unknown-document");
  CHECK(fixture.ask("GET /api/v1/documents/docs").status == 404);
}

TEST_CASE("the quarantine lists each refused file with its reason, and a retry is a run") {
  ApiFixture fixture({}, {.selection = {.include = {}, .exclude = {}, .max_file_size = 100}});
  const auto commit = fixture.volume.publish({{"large.md", {"100644", std::string(101, 'x')}}, {"small.md", {"100644", "x"}}});
  fixture.reconciler.reconcile_once();
  const auto quarantine = fixture.ask("GET /api/v1/quarantine").body;
  CHECK(quarantine["total"] == 1);
  REQUIRE(quarantine["quarantine"].size() == 1);
  const auto& entry = quarantine["quarantine"][0];
  CHECK(entry["path"] == "large.md");
  CHECK(entry["oid"] == fixture.volume.files(commit).at("large.md"));
  CHECK(entry["reason"].get<std::string>() != "");
  CHECK(entry["revision"] == commit);

  fixture.start_loop();
  const auto retry = fixture.ask("POST /api/v1/quarantine/retry?wait=20");
  CHECK(retry.status == 200);
  CHECK(retry.body["trigger"] == "quarantine-retry");
  CHECK(retry.body["mode"] == "audit");
}

TEST_CASE("a hint is answered at once, whatever its body and headers say, and leads to a run") {
  ApiFixture fixture;
  fixture.volume.publish(pages);
  fixture.engine.close_gate();
  fixture.start_loop();
  CHECK(RawClient(fixture.server.port())
            .ask("POST /api/v1/sync HTTP/1.1\r\nHost: localhost\r\nGitsync-Hash: nonsense\r\nContent-Length: 5\r\n\r\n{\"a\":")
            .status == 200);
  const auto commit = fixture.volume.publish({{"a.md", {"100644", "a"}}});
  CHECK(fixture.ask("POST /api/v1/sync").status == 200);
  fixture.engine.open_gate();
  CHECK(fixture.ask("GET /api/v1/wait?timeout=20&commit=" + commit).status == 200);
}

TEST_CASE("the three groups of routes are served where they belong and nowhere else") {
  ApiFixture fixture;
  fixture.volume.publish(pages);
  fixture.reconciler.reconcile_once();
  HttpServer search({"127.0.0.1", 0}, {}, fixture.log);
  ingest::add_search_routes(search, fixture.context());
  search.start();
  HttpServer probe({"127.0.0.1", 0}, {}, fixture.log);
  ingest::add_probe_routes(probe, fixture.context());
  probe.start();
  const auto status = [](const HttpServer& server, const std::string& line) {
    return RawClient(server.port()).ask(line + " HTTP/1.1\r\nHost: localhost\r\n\r\n").status;
  };
  for (const char* line : {"GET /api/v1/search?q=a", "GET /api/v1/documents", "GET /api/v1/status"}) {
    CAPTURE(line);
    CHECK(status(fixture.server, line) == 200);
    CHECK(status(search, line) == 200);
    CHECK(status(probe, line) == 404);
  }
  for (const char* line : {"GET /healthz", "GET /readyz", "GET /metrics"}) {
    CAPTURE(line);
    CHECK(status(fixture.server, line) == 200);
    CHECK(status(search, line) == 404);
    CHECK(status(probe, line) == 200);
  }
  for (const char* line :
       {"POST /api/v1/sync", "POST /api/v1/resync", "POST /api/v1/quarantine/retry", "GET /api/v1/runs", "GET /api/v1/wait?commit=x"}) {
    CAPTURE(line);
    CHECK(status(fixture.server, line) != 404);
    CHECK(status(search, line) == 404);
    CHECK(status(probe, line) == 404);
  }
  CHECK(status(search, "POST /api/v1/status") == 405);
}

TEST_CASE("ready from the first index on, alive from the start, and the metrics are in the text format") {
  ApiFixture fixture;
  CHECK(fixture.ask("GET /readyz").status == 503);
  fixture.volume.publish(pages);
  fixture.reconciler.reconcile_once();
  CHECK(fixture.ask("GET /readyz").status == 200);
  fixture.engine.fail_reads(true);
  CHECK(fixture.ask("GET /readyz").status == 503);
  CHECK(fixture.ask("GET /healthz").status == 200);
  const auto metrics = fixture.ask_raw("GET /metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.head.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
}
