// The writing half of one run: one transaction from begin() to commit().
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ingest/engine.hpp"
#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

class SqliteRun final : public EngineRun {
 public:
  // `translate` rethrows the DatabaseError in flight as what the interface promises.
  SqliteRun(Connection& connection, RunStart start, std::function<void(const DatabaseError&)> translate);

  std::vector<Settled> apply(std::span<const Operation> operations) override;
  void commit(const Checkpoint& checkpoint) override;

 private:
  std::int64_t find(const DocumentKey& key);  // 0: not there
  void remove_document(std::int64_t id);
  void remove_quarantined(const DocumentKey& key);
  Settled put(const Document& document);
  void put(const Quarantined& quarantined);
  void write_state(const Checkpoint& checkpoint);
  void shorten_log();

  Connection& connection_;
  RunStart start_;
  std::function<void(const DatabaseError&)> translate_;
  std::optional<Transaction> transaction_;
};

}  // namespace tidemark::ingest::sqlite
