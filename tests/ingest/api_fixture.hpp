// The API over a real socket, reconciler, SQLite engine and repository; the loop runs when a test starts it, and a gate can hold its runs.
#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/error.hpp"
#include "ingest/agent.hpp"
#include "ingest/api/api.hpp"
#include "support/raw_client.hpp"

namespace tidemark::testing {

// The real engine, whose runs wait at a gate while it is closed, and fail while told to.
class GatedEngine final : public ingest::Engine {
 public:
  explicit GatedEngine(std::unique_ptr<ingest::Engine> engine) : engine_(std::move(engine)) {}

  void close_gate() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open_gate() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  void fail_runs(bool fail) { fails_ = fail; }
  void fail_reads(bool fail) { reads_fail_ = fail; }

  std::string kind() const override { return engine_->kind(); }
  using Engine::inspect;
  ingest::Facts inspect(ingest::Look) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !closed_; });
    if (fails_) throw TransientError("the engine is out of order");
    return engine_->inspect();
  }
  std::unique_ptr<ingest::EngineRun> begin(const ingest::RunStart& start) override { return engine_->begin(start); }
  void list(const std::function<bool(const ingest::Listed&)>& visit) override { engine_->list(visit); }
  bool ready() override { return !reads_fail_ && engine_->ready(); }
  ingest::SearchResult search(const ingest::SearchQuery& query) override {
    if (reads_fail_) throw TransientError("the database is busy");
    return engine_->search(query);
  }
  ingest::DocumentPage documents(const ingest::DocumentPageQuery& query) override { return engine_->documents(query); }
  std::optional<ingest::Document> document(const ingest::DocumentKey& key) override { return engine_->document(key); }
  std::vector<ingest::Quarantined> quarantine(std::size_t limit) override { return engine_->quarantine(limit); }

 private:
  std::unique_ptr<ingest::Engine> engine_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  std::atomic<bool> fails_ = false;
  std::atomic<bool> reads_fail_ = false;
};

struct JsonAnswer {
  int status = 0;
  std::string head;
  nlohmann::json body;

  std::string type() const { return body.value("type", ""); }
};

class ApiFixture {
 public:
  explicit ApiFixture(HttpServer::Options options = {}, AgentOptions agent = {})
      : volume(folder.path() / "root"),
        engine(ingest::open_sqlite_engine(folder.path() / "index.db", log)),
        source(volume.link(), agent.source_name),
        selection(agent.selection),
        reconciler(source, engine, selection, agent.reconciler, history, metrics, log),
        server({"127.0.0.1", 0}, std::move(options), log) {
    libgit2();
    ingest::add_control_routes(server, context());
    server.start();
  }
  ~ApiFixture() {
    loop_.request_stop();
    engine.open_gate();
    history.close();
    if (loop_.joinable()) loop_.join();
    server.stop();
  }

  ingest::ApiContext context() { return {reconciler, engine, history, metrics}; }
  void start_loop() {
    loop_ = std::jthread([this](const std::stop_token& stop) { reconciler.loop(stop); });
  }

  RawAnswer ask_raw(const std::string& line) const { return RawClient(server.port()).ask(line + " HTTP/1.1\r\nHost: localhost\r\n\r\n"); }
  JsonAnswer ask(const std::string& line) const {
    const auto raw = ask_raw(line);
    INFO(line << ": " << raw.body);
    REQUIRE(nlohmann::json::accept(raw.body));
    return {raw.status, raw.head, nlohmann::json::parse(raw.body)};
  }

  TemporaryDirectory folder;
  Log log{LogFormat::text, LogLevel::error};
  Volume volume;
  Metrics metrics;
  ingest::RunHistory history;
  GatedEngine engine;
  ingest::Source source;
  ingest::Selection selection;
  ingest::Reconciler reconciler;
  HttpServer server;

 private:
  std::jthread loop_;
};

}  // namespace tidemark::testing
