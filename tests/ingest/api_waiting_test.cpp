#include <doctest/doctest.h>

#include "api_fixture.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

Tree many(int count, const std::string& text = "text") {
  Tree tree;
  for (int i = 0; i < count; ++i) tree["page-" + std::to_string(i) + ".md"] = {"100644", text + " " + std::to_string(i) + "\n"};
  return tree;
}

}  // namespace

TEST_CASE("a resync without a wait is accepted with the id of its run, which can be asked for") {
  ApiFixture fixture;
  const auto commit = fixture.volume.publish(many(3));
  const auto accepted = fixture.ask("POST /api/v1/resync");
  CHECK(accepted.status == 202);
  const auto id = accepted.body["run"].get<int>();
  CHECK(accepted.head.find("Location: /api/v1/runs/" + std::to_string(id) + "\r\n") != std::string::npos);

  const auto queued = fixture.ask("GET /api/v1/runs/" + std::to_string(id));
  CHECK(queued.status == 200);
  CHECK(queued.body["outcome"] == "queued");
  CHECK(queued.body["mode"].is_null());
  CHECK(queued.body["started"].is_null());

  fixture.reconciler.reconcile_once();
  const auto done = fixture.ask("GET /api/v1/runs/" + std::to_string(id)).body;
  CHECK(done["outcome"] == "succeeded");
  CHECK(done["trigger"] == "resync");
  CHECK(done["mode"] == "rebuild");
  CHECK(done["from"].is_null());
  CHECK(done["to"] == commit);
  CHECK(done["upserted"] == 3);
  CHECK(done["seconds"].is_object());
  CHECK(done["ended"].is_string());
  CHECK(fixture.ask("GET /api/v1/runs").body["runs"][0] == done);
}

TEST_CASE("an unknown run is 404") {
  ApiFixture fixture;
  for (const char* id : {"1", "0", "-1", "x", "99999999999999999999", "1/2"}) {
    const auto answer = fixture.ask(std::string("GET /api/v1/runs/") + id);
    CHECK(answer.status == 404);
    CHECK(answer.type() == "urn:tidemark:problem:unknown-run");
  }
}

TEST_CASE("the runs are listed newest first, as many as asked for") {
  ApiFixture fixture;
  for (int i = 1; i <= 5; ++i) {
    fixture.volume.publish(many(i));
    fixture.reconciler.reconcile_once();
  }
  const auto runs = fixture.ask("GET /api/v1/runs").body["runs"];
  REQUIRE(runs.size() == 5);
  for (std::size_t i = 1; i < runs.size(); ++i) CHECK(runs[i - 1]["id"].get<int>() > runs[i]["id"].get<int>());
  CHECK(fixture.ask("GET /api/v1/runs?limit=2").body["runs"].size() == 2);
}

TEST_CASE("a resync with a wait answers with the report") {
  ApiFixture fixture;
  fixture.volume.publish(many(3));
  fixture.start_loop();
  const auto rewrite = fixture.ask("POST /api/v1/resync?wait=20");
  CHECK(rewrite.status == 200);
  CHECK(rewrite.body["outcome"] == "succeeded");
  CHECK(rewrite.body["upserted"] == 3);
  const auto audit = fixture.ask("POST /api/v1/resync?mode=audit&wait=20");
  CHECK(audit.status == 200);
  CHECK(audit.body["mode"] == "audit");
  CHECK(audit.body["upserted"] == 0);
}

TEST_CASE("a resync that does not end in time is 504, and goes on") {
  ApiFixture fixture;
  fixture.volume.publish(many(3));
  fixture.engine.close_gate();
  fixture.start_loop();
  const auto answer = fixture.ask("POST /api/v1/resync?wait=0.05");
  CHECK(answer.status == 504);
  CHECK(answer.type() == "urn:tidemark:problem:not-yet");
  const auto id = answer.body["run"].get<std::int64_t>();
  fixture.engine.open_gate();
  CHECK(fixture.history.wait_for(id, std::chrono::steady_clock::now() + 20s));
  CHECK(fixture.ask("GET /api/v1/runs/" + std::to_string(id)).body["outcome"] == "succeeded");
}

TEST_CASE("a resync that fails is 500 with its reason") {
  ApiFixture fixture;
  fixture.volume.publish(many(3));
  fixture.engine.fail_runs(true);
  fixture.start_loop();
  const auto answer = fixture.ask("POST /api/v1/resync?wait=20");
  CHECK(answer.status == 500);
  CHECK(answer.type() == "urn:tidemark:problem:run-failed");
  CHECK(answer.body["detail"].get<std::string>().find("out of order") != std::string::npos);
  CHECK(answer.body["run"].is_number());
}

TEST_CASE("a run that would remove nearly everything stalls, says so, and goes through once it is confirmed") {
  ApiFixture fixture;
  fixture.volume.publish(many(300));
  fixture.start_loop();
  REQUIRE(fixture.ask("POST /api/v1/resync?wait=20").status == 200);
  const auto small = fixture.volume.publish(many(3));
  fixture.ask("POST /api/v1/sync");

  const auto waiting = fixture.ask("GET /api/v1/wait?timeout=20&commit=" + small);
  CHECK(waiting.status == 409);
  CHECK(waiting.type() == "urn:tidemark:problem:stalled");
  CHECK(waiting.body["detail"].get<std::string>().find("allow-removals=" + small) != std::string::npos);
  CHECK(fixture.ask("GET /api/v1/status").body["stalled"].is_string());
  CHECK(fixture.ask("POST /api/v1/resync?mode=audit&wait=20").status == 409);

  const auto confirmed = fixture.ask("POST /api/v1/resync?mode=audit&wait=20&allow-removals=" + small);
  CHECK(confirmed.status == 200);
  CHECK(confirmed.body["removed"] == 297);
  CHECK(fixture.ask("GET /api/v1/wait?commit=" + small).status == 200);
  CHECK(fixture.ask("GET /api/v1/status").body["stalled"].is_null());
}

TEST_CASE("a stall over an older revision does not end a wait for the newer one") {
  ApiFixture fixture;
  const auto first = fixture.volume.publish(many(300));
  fixture.start_loop();
  REQUIRE(fixture.ask("POST /api/v1/resync?wait=20").status == 200);
  const auto bad = fixture.volume.publish(many(3));
  fixture.ask("POST /api/v1/sync");
  REQUIRE(fixture.ask("GET /api/v1/wait?timeout=20&commit=" + bad).status == 409);

  const auto good = fixture.volume.commit(many(301), first);
  fixture.engine.close_gate();
  fixture.volume.publish(good);
  RawClient waiter(fixture.server.port());
  waiter.send("GET /api/v1/wait?timeout=20&commit=" + good + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(waiter.receive(false, 200ms).status == 0);  // the last run is still the stalled one
  fixture.ask("POST /api/v1/sync");
  fixture.engine.open_gate();
  CHECK(waiter.receive(false, 20s).status == 200);
}

TEST_CASE("a wait for the checkpoint or an ancestor of it is over at once") {
  ApiFixture fixture;
  const auto first = fixture.volume.publish(many(1));
  const auto second = fixture.volume.publish(many(2), first);
  fixture.reconciler.reconcile_once();
  for (const auto& commit : {first, second}) {
    const auto answer = fixture.ask("GET /api/v1/wait?timeout=0&commit=" + commit);
    CHECK(answer.status == 200);
    CHECK(answer.body["commit"] == commit);
    CHECK(answer.body["checkpoint"]["commit"] == second);
  }
}

TEST_CASE("a wait ends when the index reaches the commit") {
  ApiFixture fixture;
  const auto first = fixture.volume.publish(many(1));
  fixture.start_loop();
  REQUIRE(fixture.ask("GET /api/v1/wait?timeout=20&commit=" + first).status == 200);
  const auto second = fixture.volume.commit(many(2), first);
  RawClient waiter(fixture.server.port());
  waiter.send("GET /api/v1/wait?timeout=20&commit=" + second + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(waiter.receive(false, 100ms).status == 0);
  fixture.volume.publish(second);
  fixture.ask("POST /api/v1/sync");
  CHECK(waiter.receive(false, 20s).status == 200);
}

TEST_CASE("a wait that is not met in time says whether the commit is known") {
  ApiFixture fixture;
  const auto first = fixture.volume.publish(many(1));
  const auto known = fixture.volume.commit(many(2), first);
  fixture.reconciler.reconcile_once();
  const auto not_yet = fixture.ask("GET /api/v1/wait?timeout=0.05&commit=" + known);
  CHECK(not_yet.status == 504);
  CHECK(not_yet.type() == "urn:tidemark:problem:not-yet");
  const auto unknown = fixture.ask("GET /api/v1/wait?timeout=0.05&commit=" + std::string(40, 'a'));
  CHECK(unknown.status == 504);
  CHECK(unknown.type() == "urn:tidemark:problem:unknown-commit");
}

TEST_CASE("more waiters than allowed keep neither hints nor probes nor searches waiting") {
  ApiFixture fixture(HttpServer::Options{.max_threads = 16});
  fixture.volume.publish(many(1));
  fixture.engine.close_gate();
  fixture.start_loop();
  const std::string unknown(40, 'a');
  std::vector<std::unique_ptr<RawClient>> waiters;
  for (int i = 0; i < 12; ++i) {
    waiters.push_back(std::make_unique<RawClient>(fixture.server.port()));
    waiters.back()->send("GET /api/v1/wait?timeout=60&commit=" + unknown + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  // A quarter of the threads wait; the rest are sent away.
  std::vector<RawAnswer> sent_away;
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (sent_away.size() < 8 && std::chrono::steady_clock::now() < patience) {
    for (auto& waiter : waiters) {
      if (const auto answer = waiter->receive(false, 10ms); answer.status != 0) sent_away.push_back(answer);
    }
  }
  CHECK(sent_away.size() == 8);
  for (const auto& answer : sent_away) {
    CHECK(answer.status == 503);
    CHECK(answer.head.find("Retry-After: 1\r\n") != std::string::npos);
    CHECK(Json::parse(answer.body)["type"] == "urn:tidemark:problem:too-many-waiters");
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    CHECK(fixture.ask("POST /api/v1/sync").status == 200);
    CHECK(fixture.ask("GET /healthz").status == 200);
    CHECK(fixture.ask("GET /api/v1/search?q=text").status == 200);
  }
  CHECK(std::chrono::steady_clock::now() - start < 15s);  // the waiters are still there

  // A resync that finds no place asks for no run.
  const auto before = fixture.history.list().size();
  CHECK(fixture.ask("POST /api/v1/resync?wait=1").status == 503);
  CHECK(fixture.history.list().size() == before);
  CHECK(fixture.ask("POST /api/v1/resync").status == 202);
}

TEST_CASE("a waiter's place is free again after its answer") {
  ApiFixture fixture(HttpServer::Options{.max_threads = 4});
  for (int i = 0; i < 5; ++i) CHECK(fixture.ask("GET /api/v1/wait?timeout=0&commit=" + std::string(40, 'a')).status == 504);
}

TEST_CASE("a waiter that hangs up leaves its place to others") {
  ApiFixture fixture(HttpServer::Options{.max_threads = 4});
  fixture.volume.publish(many(1));
  fixture.engine.close_gate();
  fixture.start_loop();
  const std::string wait = "GET /api/v1/wait?timeout=60&commit=" + std::string(40, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string resync = "POST /api/v1/resync?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const auto& request : {wait, resync}) {
    {
      RawClient waiter(fixture.server.port());
      waiter.send(request);
      CHECK(waiter.receive(false, 100ms).status == 0);
      CHECK(fixture.ask("GET /api/v1/wait?timeout=0&commit=" + std::string(40, 'a')).status == 503);
    }
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    int status = 503;
    while (status == 503 && std::chrono::steady_clock::now() < deadline) {
      status = fixture.ask("GET /api/v1/wait?timeout=0&commit=" + std::string(40, 'a')).status;
    }
    CHECK(status == 504);
  }
}

TEST_CASE("a shutdown ends every wait at once") {
  ApiFixture fixture;
  fixture.volume.publish(many(1));
  fixture.engine.close_gate();
  fixture.start_loop();
  RawClient commit_waiter(fixture.server.port());
  commit_waiter.send("GET /api/v1/wait?timeout=60&commit=" + std::string(40, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  RawClient run_waiter(fixture.server.port());
  run_waiter.send("POST /api/v1/resync?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(commit_waiter.receive(false, 50ms).status == 0);
  fixture.history.close();
  for (auto* waiter : {&commit_waiter, &run_waiter}) {
    const auto answer = waiter->receive(false, 5s);
    CHECK(answer.status == 503);
    CHECK(Json::parse(answer.body)["type"] == "urn:tidemark:problem:stopping");
  }
}

TEST_CASE("a page of another origin cannot force a resync") {
  ApiFixture fixture;
  CHECK(RawClient(fixture.server.port()).ask("POST /api/v1/resync HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n").status ==
        403);
  CHECK(RawClient(fixture.server.port()).ask("POST /api/v1/resync HTTP/1.1\r\nHost: evil.example\r\n\r\n").status == 403);
  CHECK(fixture.history.list().empty());
}
