// What becomes of each operation of a batch, whatever the server says to it.
#include "ingest/elasticsearch/bulk_sender.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/bulk_pieces.hpp"
#include "ingest/elasticsearch/bulk_server.hpp"

using namespace tidemark;
using namespace tidemark::ingest::elasticsearch;
using namespace tidemark::testing;
using namespace std::chrono_literals;

namespace {

// Each upsert has a source of `bytes`.
EncodedBulk upserts(int count, std::size_t bytes = 10) {
  EncodedBulk bulk;
  for (int i = 0; i < count; ++i) {
    const auto begin = bulk.body.size();
    bulk.body += R"({"index":{"_id":"u)" + std::to_string(i) + "\"}}\n{\"a\":\"" + std::string(bytes, 'x') + "\"}\n";
    bulk.operations.push_back({begin, bulk.body.size(), false});
  }
  return bulk;
}

void add_removals(EncodedBulk& bulk, int count) {
  for (int i = 0; i < count; ++i) {
    const auto begin = bulk.body.size();
    bulk.body += R"({"delete":{"_id":"r)" + std::to_string(i) + "\"}}\n";
    bulk.operations.push_back({begin, bulk.body.size(), true});
  }
}

BulkServer::Fault status(int code, std::string body = "", std::map<std::string, std::string> headers = {}) {
  return [=](const BulkServer::Seen&) { return HttpResponse{.status = code, .body = body, .content_type = "text/html", .headers = headers}; };
}

struct Fixture {
  BulkServer server;
  ConnectionSettings connection_settings = [this] {
    ConnectionSettings settings;
    settings.urls = {server.url()};
    return settings;
  }();
  BulkLimits limits{.patience = 300ms, .backoff = {.first = 1ms, .limit = 5ms}};
  std::optional<Connection> connection;
  std::optional<BulkSender> sender;

  BulkSender::Outcome send(const EncodedBulk& bulk, Refresh refresh = Refresh::no, std::stop_token stop = {}) {
    if (!sender) {
      connection.emplace(connection_settings);
      sender.emplace(*connection, limits, ConcurrencyLimit(2));
    }
    return sender->send(bulk, "docs-1.write", refresh, std::move(stop));
  }

  static std::vector<ItemVerdict> verdicts(const BulkSender::Outcome& outcome) {
    std::vector<ItemVerdict> result;
    for (const auto& item : outcome.items) result.push_back(item.verdict);
    return result;
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> result;
    for (const auto& seen : server.seen()) result.push_back(seen.items.size());
    return result;
  }
};

template <typename Error>
std::string failure(const auto& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no such error";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a batch is one request to the private alias, which must be one") {
  const auto outcome = send(upserts(3));
  CHECK(verdicts(outcome) == std::vector(3, ItemVerdict::applied));
  CHECK(outcome.counted == 3);
  REQUIRE(server.seen().size() == 1);
  const auto target = server.seen().front().target;
  CHECK(target.starts_with("/docs-1.write/_bulk "));
  CHECK(contains(target, "require_alias=true"));
  CHECK_FALSE(contains(target, "refresh"));
  send(upserts(1), Refresh::now);
  CHECK(contains(server.seen().back().target, "refresh=true"));
}

TEST_CASE_FIXTURE(Fixture, "nothing to send is no request") {
  CHECK(send(EncodedBulk{}).items.empty());
  CHECK(server.seen().empty());
}

TEST_CASE_FIXTURE(Fixture, "a batch over the limits is several requests, in order") {
  SUBCASE("operations") {
    limits.operations = 4;
    CHECK(send(upserts(10)).counted == 10);
    CHECK(sizes() == std::vector<std::size_t>{4, 4, 2});
  }
  SUBCASE("bytes") {
    const auto bulk = upserts(10, 100);
    limits.bytes = static_cast<std::int64_t>(bulk.operations[3].end);
    CHECK(send(bulk).counted == 10);
    CHECK(sizes() == std::vector<std::size_t>{4, 4, 2});
  }
  SUBCASE("one that is over alone") {
    limits.bytes = 50;
    CHECK(send(upserts(3, 100)).counted == 3);
    CHECK(sizes() == std::vector<std::size_t>{1, 1, 1});
  }
  CHECK(server.seen().front().items.front().second == "u0");
}

TEST_CASE_FIXTURE(Fixture, "a request without an index item begins with the guard, which is none of the operations") {
  auto bulk = upserts(2);
  add_removals(bulk, 3);
  limits.operations = 2;
  const auto outcome = send(bulk);
  CHECK(outcome.items.size() == 5);
  CHECK(outcome.counted == 5);
  CHECK(outcome.items[2].deleted);
  const auto seen = server.seen();
  REQUIRE(sizes() == std::vector<std::size_t>{2, 3, 2});
  CHECK(seen[0].items.front().first == "index");
  CHECK(seen[1].items.front().first == "update");
  CHECK(seen[2].items.front().first == "update");
}

TEST_CASE_FIXTURE(Fixture, "removals beside an index item need no guard") {
  auto bulk = upserts(1);
  add_removals(bulk, 2);
  CHECK(send(bulk).counted == 3);
  CHECK(sizes() == std::vector<std::size_t>{3});
}

TEST_CASE_FIXTURE(Fixture, "overloaded items go again, alone, until all are settled") {
  int turned_away = 0;
  server.items([&](const std::string&, const std::string& id) -> std::optional<std::pair<int, std::string>> {
    if (id == "u1" && ++turned_away <= 2) return std::pair{429, "es_rejected_execution_exception"};
    if (id == "u3" && turned_away == 1) return std::pair{503, "unavailable_shards_exception"};
    return std::nullopt;
  });
  const auto outcome = send(upserts(5));
  CHECK(verdicts(outcome) == std::vector(5, ItemVerdict::applied));
  CHECK(outcome.counted == 5);
  REQUIRE(sizes() == std::vector<std::size_t>{5, 2, 1});
  CHECK(server.seen()[1].items == std::vector<std::pair<std::string, std::string>>{{"index", "u1"}, {"index", "u3"}});
  CHECK(server.seen()[2].items == std::vector<std::pair<std::string, std::string>>{{"index", "u1"}});
}

TEST_CASE_FIXTURE(Fixture, "removals that are left alone by an overload begin with the guard") {
  bool first = true;
  server.items([&](const std::string& action, const std::string&) -> std::optional<std::pair<int, std::string>> {
    if (action == "delete" && std::exchange(first, false)) return std::pair{429, "es_rejected_execution_exception"};
    return std::nullopt;
  });
  auto bulk = upserts(1);
  add_removals(bulk, 1);
  CHECK(send(bulk).counted == 2);
  CHECK(sizes() == std::vector<std::size_t>{2, 2});
  CHECK(server.seen()[1].items.front().first == "update");
}

TEST_CASE_FIXTURE(Fixture, "conflicts and refused documents are settled, the others applied") {
  server.items([](const std::string&, const std::string& id) -> std::optional<std::pair<int, std::string>> {
    if (id == "u1") return std::pair{409, "version_conflict_engine_exception"};
    if (id == "u2") return std::pair{400, "mapper_parsing_exception"};
    return std::nullopt;
  });
  const auto outcome = send(upserts(4));
  CHECK(verdicts(outcome) == std::vector{ItemVerdict::applied, ItemVerdict::conflict, ItemVerdict::document_refused, ItemVerdict::applied});
  CHECK(contains(outcome.items[2].reason, "mapper_parsing_exception"));
  CHECK(outcome.counted == 2);
  CHECK(sizes() == std::vector<std::size_t>{4});
}

TEST_CASE_FIXTURE(Fixture, "a server that has too much to do, or a proxy without one, gets the same request again") {
  server.next({status(429), status(502, "<html>Bad Gateway</html>"), status(503, "<html>"), status(504),
               status(500, R"({"error":{"type":"x","reason":"y"}})")});
  CHECK(send(upserts(3)).counted == 3);
  CHECK(sizes() == std::vector<std::size_t>(6, 3));
}

TEST_CASE_FIXTURE(Fixture, "a Retry-After is waited for") {
  limits.patience = 10s;
  server.next({status(429, "", {{"Retry-After", "1"}})});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(send(upserts(1)).counted == 1);
  CHECK(std::chrono::steady_clock::now() - begin >= 1s);
}

TEST_CASE_FIXTURE(Fixture, "an overload without end is a transient error once patience has, and names what was said") {
  SUBCASE("of the whole") { server.always(status(503, "<html>nobody home</html>")); }
  SUBCASE("of items") {
    server.items([](const std::string&, const std::string&) { return std::pair{503, std::string("nobody home")}; });
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto text = failure<TransientError>([&] { send(upserts(3)); });
  CHECK(contains(text, "503"));
  CHECK(contains(text, "nobody home"));
  CHECK(std::chrono::steady_clock::now() - begin >= 300ms);
  CHECK(server.seen().size() > 3);
}

TEST_CASE_FIXTURE(Fixture, "patience begins again with each operation that is settled") {
  limits.patience = 400ms;
  limits.backoff = {.first = 100ms, .limit = 100ms};
  int requests = 0;
  // One operation passes with every second request: 8 of them take longer than patience alone.
  server.items([&](const std::string&, const std::string& id) -> std::optional<std::pair<int, std::string>> {
    if (id == "u" + std::to_string(requests / 2) || requests >= 16) return std::nullopt;
    return std::pair{429, "es_rejected_execution_exception"};
  });
  server.always([&](const BulkServer::Seen&) -> std::optional<HttpResponse> {
    ++requests;
    return std::nullopt;
  });
  CHECK(send(upserts(8)).counted == 8);
}

TEST_CASE_FIXTURE(Fixture, "silence gets the same request again; a server that stays away is a transient error that names it") {
  SUBCASE("once") {
    connection_settings.timeout = 200ms;
    limits.patience = 10s;
    std::atomic<int> requests = 0;
    server.always([&](const BulkServer::Seen&) -> std::optional<HttpResponse> {
      if (++requests > 1) {
        requests.notify_all();
        return std::nullopt;
      }
      requests.wait(1);  // until it has been sent again
      return HttpResponse{.status = 200, .body = "late"};
    });
    CHECK(send(upserts(3)).counted == 3);
    CHECK(sizes() == std::vector<std::size_t>{3, 3});
  }
  SUBCASE("for ever") {
    connection_settings.urls = {"http://127.0.0.1:1"};
    CHECK(contains(failure<TransientError>([&] { send(upserts(3)); }), "http://127.0.0.1:1"));
  }
}

TEST_CASE_FIXTURE(Fixture, "an answer that is none, or of another number of items, is no success") {
  const std::string short_answer = R"({"errors":false,"items":[{"index":{"status":201,"_seq_no":0,"result":"created"}}]})";
  SUBCASE("that passes") {
    server.next({status(200, "<html>welcome</html>"), status(200, short_answer), status(200, R"({"errors":false,"items":[{"ind)")});
    CHECK(send(upserts(2)).counted == 2);
    CHECK(sizes() == std::vector<std::size_t>(4, 2));
  }
  SUBCASE("that stays") {
    server.always(status(200, short_answer));
    limits.patience = 1h;
    CHECK(contains(failure<TransientError>([&] { send(upserts(2)); }), "_bulk"));
    CHECK(server.seen().size() == 4);
  }
}

TEST_CASE_FIXTURE(Fixture, "a request too large is halved until it passes, and the size is remembered") {
  constexpr std::size_t limit = 150'000;
  server.always([](const BulkServer::Seen& seen) -> std::optional<HttpResponse> {
    if (seen.bytes > limit) return HttpResponse{.status = 413};
    return std::nullopt;
  });
  const auto bulk = upserts(100, 5'000);
  const auto outcome = send(bulk);
  CHECK(outcome.counted == 100);
  CHECK(sender->max_bytes() <= static_cast<std::int64_t>(limit));
  CHECK(sender->max_bytes() > static_cast<std::int64_t>(limit) / 2 - 5'100);
  const auto before = server.seen().size();
  CHECK(send(bulk).counted == 100);
  const auto seen = server.seen();
  CHECK(std::all_of(seen.begin() + static_cast<std::ptrdiff_t>(before), seen.end(), [](const auto& each) { return each.bytes <= limit; }));
}

TEST_CASE_FIXTURE(Fixture, "a server that takes hardly anything gets single operations, but what is remembered has a floor") {
  server.always([](const BulkServer::Seen& seen) -> std::optional<HttpResponse> {
    if (seen.items.size() > 1) return HttpResponse{.status = 413};
    return std::nullopt;
  });
  CHECK(send(upserts(9)).counted == 9);
  CHECK(sender->max_bytes() == 64 * 1024);
}

TEST_CASE_FIXTURE(Fixture, "a document that is too large alone is refused with the reason, the others are applied") {
  server.always([](const BulkServer::Seen& seen) -> std::optional<HttpResponse> {
    if (seen.bytes > 10'000) return HttpResponse{.status = 413};
    return std::nullopt;
  });
  auto bulk = upserts(3);
  const auto begin = bulk.body.size();
  bulk.body += R"({"index":{"_id":"large"}})"
               "\n{\"a\":\"" +
               std::string(20'000, 'x') + "\"}\n";
  bulk.operations.push_back({begin, bulk.body.size(), false});
  add_removals(bulk, 2);
  const auto outcome = send(bulk);
  CHECK(outcome.counted == 5);
  CHECK(outcome.items[3].verdict == ItemVerdict::document_refused);
  CHECK(contains(outcome.items[3].reason, "413"));
  CHECK(contains(outcome.items[3].reason, "http.max_content_length"));
  CHECK(contains(outcome.items[3].reason, std::to_string(bulk.operations[3].end - begin)));
}

TEST_CASE_FIXTURE(Fixture, "two lanes that meet the same limit at once remember it once") {
  server.always([](const BulkServer::Seen& seen) -> std::optional<HttpResponse> {
    if (seen.bytes > 300'000) return HttpResponse{.status = 413};
    return std::nullopt;
  });
  const auto bulk = upserts(100, 5'000);
  send(EncodedBulk{});
  {
    std::jthread one([&] { CHECK(send(bulk).counted == 100); });
    std::jthread two([&] { CHECK(send(bulk).counted == 100); });
  }
  CHECK(sender->max_bytes() > 200'000);
}

TEST_CASE_FIXTURE(Fixture, "a lost index ends the batch at once and names the alias") {
  SUBCASE("of upserts") {
    server.items([](const std::string&, const std::string&) { return std::pair{404, std::string("index_not_found_exception")}; });
    CHECK(contains(failure<TransientError>([&] { send(upserts(3)); }), "docs-1.write"));
  }
  SUBCASE("of removals, by the guard") {
    server.items([](const std::string&, const std::string&) { return std::pair{404, std::string("index_not_found_exception")}; });
    EncodedBulk bulk;
    add_removals(bulk, 2);
    CHECK(contains(failure<TransientError>([&] { send(bulk); }), "docs-1.write"));
  }
  CHECK(server.seen().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a blocked index ends the batch at once, says which block, and what is to be done") {
  SUBCASE("a full disk, of an item") {
    server.always([](const BulkServer::Seen&) {
      return HttpResponse{.status = 200, .body = R"({"errors":true,"items":[{"index":{"status":429,"error":{"type":"cluster_block_exception","reason":
"index [docs-1] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"}}}]})"};
    });
    const auto text = failure<TransientError>([&] { send(upserts(1)); });
    CHECK(contains(text, "flood-stage"));
    CHECK(contains(text, "free some space"));
    CHECK(contains(text, "docs-1"));
  }
  SUBCASE("read-only") {
    server.items([](const std::string&, const std::string&) { return std::pair{403, std::string("cluster_block_exception")}; });
    CHECK(contains(failure<TransientError>([&] { send(upserts(1)); }), "cluster_block_exception"));
  }
  SUBCASE("closed") {
    server.items([](const std::string&, const std::string&) { return std::pair{400, std::string("index_closed_exception")}; });
    CHECK(contains(failure<TransientError>([&] { send(upserts(1)); }), "opens it"));
  }
  SUBCASE("of the whole request") {
    server.always(
        status(403, R"({"error":{"type":"cluster_block_exception","reason":"blocked by: [FORBIDDEN/8/index write (api)];"},"status":403})"));
    CHECK(contains(failure<TransientError>([&] { send(upserts(1)); }), "FORBIDDEN/8"));
  }
  CHECK(server.seen().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a missing privilege stalls") {
  server.always(status(403, R"({"error":{"type":"security_exception","reason":"action [indices:data/write/bulk] is unauthorized"},"status":403})"));
  CHECK(contains(failure<StalledError>([&] { send(upserts(1)); }), "indices:data/write/bulk"));
  CHECK(server.seen().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a stop ends the wait for an overloaded server") {
  limits.patience = 1h;
  limits.backoff = {.first = std::chrono::hours(1), .limit = std::chrono::hours(1)};
  std::stop_source stop;
  server.always([&](const BulkServer::Seen&) {
    stop.request_stop();
    return HttpResponse{.status = 503};
  });
  CHECK_THROWS_AS(send(upserts(1), Refresh::no, stop.get_token()), TransientError);
}

TEST_CASE("a bulk is cut into pieces of whole operations") {
  auto bulk = upserts(6, 10);
  const auto one = static_cast<std::int64_t>(bulk.operations[0].end);
  using Pieces = std::vector<OperationIndexes>;
  CHECK(cut(bulk, all_of(bulk), 2 * one, 100) == Pieces{{0, 1}, {2, 3}, {4, 5}});
  CHECK(cut(bulk, all_of(bulk), 100 * one, 4) == Pieces{{0, 1, 2, 3}, {4, 5}});
  CHECK(cut(bulk, all_of(bulk), 1, 100) == Pieces{{0}, {1}, {2}, {3}, {4}, {5}});
  CHECK(cut(bulk, OperationIndexes{1, 3, 4}, 2 * one, 100) == Pieces{{1, 3}, {4}});
  CHECK(cut(bulk, OperationIndexes{}, 1, 1).empty());
  CHECK(PieceBody(bulk, OperationIndexes{0, 1, 2, 3, 4, 5}).text() == bulk.body);
  CHECK(PieceBody(bulk, OperationIndexes{1, 2}).text().data() == bulk.body.data() + one);
  CHECK(PieceBody(bulk, OperationIndexes{1, 3}).text() ==
        bulk.body.substr(bulk.operations[1].begin, one) + bulk.body.substr(bulk.operations[3].begin, one));
}
