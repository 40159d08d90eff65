// What a diff or an audit will send, collected before anything is sent so that the removal guard can refuse it. Compact: paths and ids, no documents.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "git/object_store.hpp"
#include "ingest/document.hpp"
#include "ingest/engine.hpp"
#include "ingest/selection.hpp"

namespace tidemark::ingest {

// Byte strings in the order they came, in blocks: what 100,000 paths take is little more than their bytes.
class RecordList {
 public:
  void append(std::string_view fixed, std::string_view first, std::string_view second);
  // `fixed` is as long as it was given, which the caller knows. `visit` returns false to end.
  void for_each(std::size_t fixed_size,
                const std::function<bool(std::string_view fixed, std::string_view first, std::string_view second)>& visit) const;
  std::int64_t count() const { return count_; }

 private:
  static constexpr std::size_t block_bytes = 64 * 1024;
  std::deque<std::string> blocks_;
  std::int64_t count_ = 0;
};

// The operations of one run, each list in byte order of its keys. A key is in one of the two lists at most.
class Plan {
 public:
  explicit Plan(std::string document_settings) : document_settings_(std::move(document_settings)) {}

  void upsert(std::string_view path, const git::Oid& oid);
  void remove(const DocumentKey& key, const Fingerprint& fingerprint);

  std::int64_t upserts() const { return upserts_.count(); }
  std::int64_t removals() const { return removals_.count(); }
  // Removals whose content does not come back under another path: a renamed folder loses nothing.
  std::int64_t losses() const;

  void for_each_upsert(const std::function<bool(std::string_view path, const git::Oid& oid)>& visit) const;
  void for_each_removal(const std::function<bool(const DocumentKey& key)>& visit) const;

  std::int64_t examined = 0;  // changes, or documents and files, looked at

 private:
  std::string document_settings_;
  RecordList upserts_;   // fixed: the blob's id
  RecordList removals_;  // fixed: the fingerprint
};

enum class Quarantine { leave, retry };

// What differs between two trees, as far as the selection wants it. Throws git::ObjectMissing when a tree of either is gone.
Plan plan_diff(const git::ObjectStore& store, const git::Oid& from_tree, const git::Oid& to_tree, const Selection& selection);

// What differs between the engine's listing and the tree. The tree is read on a thread of its own, which is the store's only user meanwhile.
// Throws as Engine::list and walk_tree, and TransientError for a listing out of order.
Plan plan_audit(const git::ObjectStore& store, const git::Oid& tree, const Selection& selection, Engine& engine, Quarantine quarantine);

// The tree's files that the selection wants, in byte order. `visit` returns false to end.
void for_each_wanted(const git::ObjectStore& store, const git::Oid& tree, const Selection& selection,
                     const std::function<bool(std::string_view path, const git::Oid& oid)>& visit);

}  // namespace tidemark::ingest
