// The requests by which agents and index keep to DESIGN's protocol, one function each. Nothing is decided here, nothing is repeated, nothing is remembered
// but the product: tests drive it step by step.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/connection.hpp"
#include "ingest/elasticsearch/names.hpp"
#include "ingest/elasticsearch/product.hpp"
#include "ingest/elasticsearch/schema.hpp"
#include "ingest/elasticsearch/state_document.hpp"

namespace tidemark::ingest::elasticsearch {

struct PhysicalIndex {
  std::string name;
  std::string uuid;
  std::optional<IndexMeta> meta;     // of the mapping; nothing: not ours
  std::set<std::string> aliases;
  std::set<std::string> blocks;      // "write", "read_only", "read_only_allow_delete", "read", "metadata"
  bool closed = false;
  std::string final_pipeline;        // what alters whatever is written; "" = nothing does
};

struct StoredState {
  StateDocument document;
  std::int64_t seq_no = -1;
  std::int64_t primary_term = 0;
};

struct ShardFacts {
  std::int64_t operations = 0;  // the sum of max_seq_no + 1 over the primaries
  std::string history;          // their history uuids
  bool complete = false;        // every primary answered
};

enum class Written { yes, conflict };  // conflict: somebody else has written the state since

// What came is no answer of a search server: a proxy's page, a body that was cut off.
class InvalidAnswer : public TransientError {
 public:
  using TransientError::TransientError;
};

// A block on the index refused the request: somebody's, or that of a full disk.
class Blocked : public TransientError {
 public:
  using TransientError::TransientError;
};

// Safe from every thread. Every function throws TransientError for no answer, 429 and 5xx, StalledError for 401 and 403 without a block, and InvalidAnswer
// (a TransientError) for what is no answer of a search server.
class IndexProtocol {
 public:
  // `stop` ends whatever is being waited for: it throws TransientError. `timeout`: of each request.
  IndexProtocol(Connection& connection, IndexNames names, std::stop_token stop = {}, Duration timeout = std::chrono::seconds(30));

  const IndexNames& names() const { return names_; }
  Product product();  // asks once

  // The source's physical indexes, and what else bears the alias or its name.
  std::vector<PhysicalIndex> look();
  // `cjk` as far as this cluster can analyze: three `_analyze` requests at most.
  CjkAnalysis probe_analysis();

  // --- state: realtime by id, past every alias's filter ---
  struct StateAnswer {
    bool index_exists = true;
    std::optional<StoredState> stored;
    int schema = 0;  // of a state that this version cannot read; else 0
  };
  StateAnswer read_state(const std::string& physical);
  // Conditional on `before` (nothing: there must be none), through the private alias with require_alias. On yes `seq_no` and `primary_term` of `next` are set.
  Written write_state(const std::string& private_alias, const std::optional<StoredState>& before, StoredState& next);
  ShardFacts shard_facts(const std::string& physical);

  // --- indexes ---
  void create_index(const std::string& physical, const SchemaChoice& choice, const IndexMeta& meta);  // with its .fill alias
  void delete_index(const std::string& physical);  // absent is well
  void open_index(const std::string& physical);
  void remove_block(const std::string& physical, const std::string& block);  // one at a time: a read-only index takes no more
  void refresh(const std::string& physical);
  void serve(const std::string& physical, const SchemaChoice& choice);  // settings for serving after the filling
  // One `_aliases` call each.
  bool swap(const std::string& physical);      // false: its .fill is gone, somebody condemned it
  bool condemn(const std::string& physical);   // false: its .fill is gone, it was swapped in or condemned by another
  void keep_alone(const std::string& keeper, const std::vector<PhysicalIndex>& all);  // reader alias and .write on one index

  // How many documents and how many stubs, as searches see them now.
  struct Counts {
    std::int64_t documents = 0;
    std::int64_t quarantined = 0;
  };
  Counts count(const std::string& physical);

  // Any other request that reads; an unexpected status is thrown as above. The answer's text, for pure readers.
  std::string ask(std::string_view method, std::string path, std::string_view body = {});
  // The same, or nothing when the index or the alias does not exist.
  std::optional<std::string> ask_if_there(std::string_view method, std::string path, std::string_view body = {});

 private:
  Response send(std::string_view method, std::string path, std::string_view body = {});

  Connection& connection_;
  IndexNames names_;
  std::stop_token stop_;
  Duration timeout_;
  std::mutex mutex_;
  std::optional<Product> product_;
};

}  // namespace tidemark::ingest::elasticsearch
