// The engine interface: the only virtual one of the program. tests/ingest/engine_contract.hpp is what every implementation passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ingest/decide.hpp"
#include "ingest/document.hpp"
#include "ingest/search.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest {

// What an audit compares.
struct Listed {
  DocumentKey key;
  Fingerprint fingerprint;
  bool quarantined = false;
  bool altered = false;  // somebody else wrote it since we did: rewrite or remove it whatever its fingerprint says
};

// What the engine did with one operation. Refused documents are the engine's own verdict on the document, and end in quarantine.
struct Settled {
  enum class Outcome { applied, refused };
  Outcome outcome = Outcome::applied;
  std::string reason;
};

struct RunStart {
  Mode mode = Mode::diff;      // diff, audit or rebuild
  std::int64_t generation = 0;
  SourceIdentity source;
  std::int64_t planned = -1;   // operations, if that is known already
};

// The writing half of one run. Destroyed without commit(): the run is undone, or will be seen by the next inspect() as an open intent or a failed check.
class EngineRun {
 public:
  virtual ~EngineRun() = default;

  // Applies all, in order; one Settled each, in order. May be called often. A key may come again in a later call: the last one counts. Removing what is not there is applied.
  // Throws TransientError (run again), StalledError (an operator has to act: disk full, read-only).
  virtual std::vector<Settled> apply(std::span<const Operation> operations) = 0;

  // How many apply() may run at once, each on a thread of its own, with batches whose keys differ: 1 = call it from the run's thread alone. May change while the
  // run lasts. All of them have returned before commit().
  virtual std::size_t lanes() const { return 1; }

  // Makes everything visible to searches and moves the checkpoint, as one step. Nothing may follow. Throws as apply().
  virtual void commit(const Checkpoint& checkpoint) = 0;
};

// How closely inspect() looks. `recent`: an engine that a request costs something may answer with what it has found at its last whole look and done itself
// since, as long as it holds the lease; everything that it would have missed is found by the next whole one.
enum class Look { whole, recent };

// Threads: inspect(), begin(), list() and the EngineRun belong to the reconcile loop (its threads, one at a time); everything else may be called from
// any thread at any time and never waits for a run.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string kind() const = 0;  // "sqlite", "elasticsearch", "opensearch"

  // Whose index it is. Before the first inspect(), and again when it has changed.
  virtual void identify(const SourceIdentity&) {}

  // Looks at everything that a decision needs. Makes nothing and takes no lease; what hinders the index (a crashed run's remains, somebody's block) it may put
  // away. Throws TransientError, StalledError.
  virtual Facts inspect(Look look) = 0;
  Facts inspect() { return inspect(Look::whole); }

  // Takes the lease that inspect() found vacant, and keeps it until the engine is destroyed or fenced. False: another agent was quicker. May be repeated.
  virtual bool lead() { return true; }

  // Begins a run; the one before it has been destroyed. A rebuild fills a fresh index, which replaces the old one at commit(); readers see the old one until then.
  virtual std::unique_ptr<EngineRun> begin(const RunStart& start) = 0;

  // Every key of documents and quarantine in byte order of (path, fragment). `visit` returns false to end. Throws TransientError when the listing is not complete: it must then not be acted upon.
  virtual void list(const std::function<bool(const Listed&)>& visit) = 0;

  // From any thread, at shutdown, once: whatever the reconcile loop waits for in here ends with a TransientError.
  virtual void interrupt() {}

  // From any thread: what a run's batch is sent again for at this moment, in words; "" for nothing.
  virtual std::string trouble() const { return ""; }

  // --- reading: any thread; an index that does not exist yet is empty ---
  virtual bool ready() = 0;  // could a search be answered?
  virtual SearchResult search(const SearchQuery& query) = 0;                       // throws InvalidQuery
  virtual DocumentPage documents(const DocumentPageQuery& query) = 0;              // throws InvalidQuery for a cursor that is not ours
  virtual std::optional<Document> document(const DocumentKey& key) = 0;
  virtual std::vector<Quarantined> quarantine(std::size_t limit) = 0;              // in key order
};

}  // namespace tidemark::ingest
