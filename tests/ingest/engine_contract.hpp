// What every engine promises (ingest/engine.hpp), as tests over a factory. An engine's test file has one TEST_CASE that calls check_engine_contract().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ingest/engine.hpp"

namespace tidemark::ingest::test {

// One index somewhere, for one test: opened as often as a test likes, one engine at a time.
class EngineUnderTest {
 public:
  virtual ~EngineUnderTest() = default;
  virtual std::unique_ptr<Engine> open() = 0;
  // Another client writes to the index past the engine, while it is open.
  virtual void write_a_stranger(const DocumentKey& key) = 0;                        // adds a document
  virtual void alter(const DocumentKey& key, const std::string& content) = 0;       // changes a document's text and nothing else
};

using EngineFactory = std::function<std::unique_ptr<EngineUnderTest>()>;

// Runs every promise as a subcase of the calling test case.
void check_engine_contract(const EngineFactory& make);

// --- for the tests of one engine, too ---
git::Oid oid(unsigned number);
Document page(const std::string& path, const std::string& content, unsigned version = 1);  // one section; `version` goes into oid and fingerprint
SourceIdentity test_source();
Checkpoint checkpoint(unsigned commit);
// One run that does all of it and commits.
void commit_run(Engine& engine, Mode mode, std::int64_t generation, const std::vector<Operation>& operations, unsigned commit);
std::vector<Listed> listed(Engine& engine);
std::vector<std::string> found(Engine& engine, const std::string& text);  // the hits' paths, in order

}  // namespace tidemark::ingest::test
