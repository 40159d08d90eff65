// An index file in a folder of its own, for the tests of the embedded engine; and other clients of that file.
#pragma once

#include <filesystem>
#include <string>

#include "daemon/log.hpp"
#include "ingest/engine_contract.hpp"
#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::test {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class SqliteIndex final : public EngineUnderTest {
 public:
  std::filesystem::path file() const { return folder_.path() / "index.db"; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  Log& log() { return log_; }
  std::unique_ptr<Engine> open() override;
  void write_a_stranger(const DocumentKey& key) override;
  void alter(const DocumentKey& key, const std::string& content) override;
  // Another client that has our tokenizer.
  std::unique_ptr<sqlite::Connection> client() const;

 private:
  TemporaryFolder folder_;
  Log log_{LogFormat::text, LogLevel::error};
};

}  // namespace tidemark::ingest::test
