// An index of its own on a real server, for the tests of the engine; another client of that index; and what such tests do again and again.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>
#include <vector>

#include "daemon/http_client.hpp"
#include "daemon/log.hpp"
#include "ingest/elasticsearch/elasticsearch_engine.hpp"
#include "ingest/engine_contract.hpp"
#include "support/search_server.hpp"

namespace tidemark::ingest::test {

class ElasticsearchIndex final : public EngineUnderTest {
 public:
  explicit ElasticsearchIndex(std::string url);
  ~ElasticsearchIndex() override;  // deletes what is left of it

  ElasticsearchSettings settings() const;
  Log& log() { return log_; }
  const std::string& alias() const { return alias_; }
  std::unique_ptr<Engine> open() override;
  void write_a_stranger(const DocumentKey& key) override;
  void alter(const DocumentKey& key, const std::string& content) override;

  // Another client's request: its status and body.
  HttpAnswer request(const std::string& method, const std::string& path, const std::string& body = "");
  std::string physical();  // what the reader alias stands for; "" for nothing
  nlohmann::json state();  // its document
  void put_state(const nlohmann::json& state);
  std::string document_path(const std::string& path);

 private:
  std::string url_;
  std::string alias_;
  Log log_{LogFormat::text, LogLevel::error};
  HttpClient client_;
};

// Each body once on every server of the tests.
template <typename Body>
void on_every_server(const Body& body) {
  static const auto names = testing::search_server_names();
  for (const auto& name : names) {
    SUBCASE(name.c_str()) {
      ElasticsearchIndex index(testing::shared_search_server(name).url);
      body(index);
    }
  }
}

template <typename Condition>
bool comes_true(const Condition& condition, std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::vector<std::string> paths(Engine& engine);  // of what it lists

// What the loop does for an index that drifted: takes the lease and audits. The check holds afterwards.
void heal(Engine& engine, std::int64_t generation, const std::vector<Operation>& documents, unsigned commit);

}  // namespace tidemark::ingest::test
