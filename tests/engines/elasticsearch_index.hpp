// An index of its own on a real server, for the tests of the engine; and another client of that index.
#pragma once

#include <string>

#include "daemon/http_client.hpp"
#include "daemon/log.hpp"
#include "ingest/elasticsearch/elasticsearch_engine.hpp"
#include "ingest/engine_contract.hpp"

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

 private:
  std::string url_;
  std::string alias_;
  Log log_{LogFormat::text, LogLevel::error};
  HttpClient client_;
};

}  // namespace tidemark::ingest::test
