// The writing half of one run: one transaction from begin() to commit().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ingest/engine.hpp"
#include "ingest/sqlite/database.hpp"
#include "ingest/sqlite/rows.hpp"

namespace tidemark::ingest::sqlite {

class SqliteRun final : public EngineRun {
 public:
  // `translate` rethrows the DatabaseError in flight as what the interface promises; `committed` is called when all is done.
  SqliteRun(Connection& connection, RunStart start, std::function<void(const DatabaseError&)> translate, std::function<void()> committed);

  std::vector<Settled> apply(std::span<const Operation> operations) override;
  void commit(const Checkpoint& checkpoint) override;

 private:
  std::int64_t find(const DocumentKey& key);  // 0: not there
  bool comes_first_time(const DocumentKey& key);
  std::vector<std::size_t> order_of(std::span<const Operation> operations);
  void write_search(std::string_view sql, std::int64_t id, const SearchedText& text);
  void insert_document(std::int64_t id, const Row& row);
  void remove_document(std::int64_t id);
  void remove_quarantined(const DocumentKey& key);
  void remove(const DocumentKey& key);
  Settled put(const Document& document);
  void put(const Quarantined& quarantined);
  void write_state(const Checkpoint& checkpoint);

  Connection& connection_;
  RunStart start_;
  std::function<void(const DatabaseError&)> translate_;
  std::function<void()> committed_;
  std::optional<Transaction> transaction_;
  std::int64_t next_id_ = 1;
  std::optional<DocumentKey> greatest_;  // a rebuild's
  // What this run adds to the counter.
  std::int64_t operations_ = 0;
  std::int64_t documents_ = 0;
  std::int64_t quarantined_ = 0;
};

}  // namespace tidemark::ingest::sqlite
