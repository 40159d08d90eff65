// Bulks through connections that break: by the fault proxy, before a server that counts what has reached it.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/bulk_sender.hpp"
#include "ingest/elasticsearch/bulk_server.hpp"
#include "support/fault_proxy.hpp"

using namespace tidemark;
using namespace tidemark::ingest::elasticsearch;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  BulkServer server;
  FaultProxy proxy{server.url()};
  Connection connection = Connection([this] {
    ConnectionSettings settings;
    settings.urls = {proxy.url()};
    settings.timeout = 1s;
    return settings;
  }());
  BulkSender sender{connection, {.patience = 20s, .backoff = {.first = 1ms, .limit = 5ms}}, ConcurrencyLimit(2)};

  // Three upserts; gives how many requests the proxy saw.
  int send() {
    EncodedBulk bulk;
    for (const auto* id : {"a", "b", "c"}) {
      const auto begin = bulk.body.size();
      bulk.body += std::string(R"({"index":{"_id":")") + id + "\"}}\n{\"x\":1}\n";
      bulk.operations.push_back({begin, bulk.body.size(), false});
    }
    const auto outcome = sender.send(bulk, "docs", Refresh::no, {});
    CHECK(outcome.items.size() == 3);
    for (const auto& item : outcome.items) CHECK(item.verdict == ItemVerdict::applied);
    return proxy.counts().at("POST /docs/_bulk").at("requests");
  }
  void rule(nlohmann::json rule) { proxy.rules(nlohmann::json::array({std::move(rule)})); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a connection that is reset before the request has reached the server: sent again") {
  rule({{"do", "reset-before"}, {"times", 2}});
  CHECK(send() == 3);
  CHECK(server.counted() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a connection that is reset after the request has reached the server: sent again, though it was applied") {
  rule({{"do", "reset-after"}, {"times", 2}});
  CHECK(send() == 3);
  CHECK(server.counted() == 9);
}

TEST_CASE_FIXTURE(Fixture, "a server that is silent, before or after: sent again when the time is over") {
  SUBCASE("before") { rule({{"do", "silence"}, {"times", 1}}); }
  SUBCASE("after") { rule({{"do", "silence"}, {"after", true}, {"times", 1}}); }
  CHECK(send() == 2);
}

TEST_CASE_FIXTURE(Fixture, "an answer that trickles slower than the time allows: sent again") {
  rule({{"do", "trickle"}, {"bytes_per_second", 20}, {"times", 1}});
  CHECK(send() == 2);
}

TEST_CASE_FIXTURE(Fixture, "an answer that is cut off, by the connection's end or as if it were whole: sent again") {
  SUBCASE("by its end") { rule({{"do", "truncate"}, {"bytes", 40}, {"times", 2}}); }
  SUBCASE("as if whole") { rule({{"do", "truncate"}, {"bytes", 40}, {"length", "cut"}, {"times", 2}}); }
  CHECK(send() == 3);
}

TEST_CASE_FIXTURE(Fixture, "an answer with too few or too many items: sent again") {
  SUBCASE("too few") { rule({{"do", "rearrange"}, {"drop", 1}, {"times", 2}}); }
  SUBCASE("too many") { rule({{"do", "rearrange"}, {"repeat", 1}, {"times", 2}}); }
  CHECK(send() == 3);
}

TEST_CASE_FIXTURE(Fixture, "items that are turned away go again alone, applied though they were or not") {
  SUBCASE("not applied") {
    rule({{"do", "items"}, {"at", {0, 2}}, {"status", 429}, {"times", 1}});
    CHECK(send() == 2);
    CHECK(server.counted() == 3);
  }
  SUBCASE("applied") {
    rule({{"do", "items"}, {"at", {0, 2}}, {"status", 503}, {"applied", true}, {"times", 1}});
    CHECK(send() == 2);
    CHECK(server.counted() == 5);
  }
}

TEST_CASE_FIXTURE(Fixture, "a server that refuses connections for a while: sent when it takes them again") {
  proxy.refuse(true);
  std::jthread opener([this] {
    // Once a connection has been refused.
    CHECK_THROWS_AS(connection.send({.path = "/"}), TransientError);
    proxy.refuse(false);
  });
  CHECK(send() == 1);
  CHECK(server.counted() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a wrong password in between is no answer to a bulk") {
  rule({{"do", "answer"}, {"status", 401}, {"times", 1}});
  CHECK_THROWS_AS(send(), StalledError);
}
