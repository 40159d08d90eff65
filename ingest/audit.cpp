// The audit: one merge of two sorted streams, the engine's listing and the tree, of which only the differences are kept.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "ingest/fingerprint.hpp"
#include "ingest/generator.hpp"
#include "ingest/plan.hpp"
#include "parser/document.hpp"

namespace tidemark::ingest {

namespace {

struct TreeFile {
  std::string path;
  git::Oid oid;
};

// The tree's wanted files one after the other, read ahead on another thread by the hundred.
class TreeStream {
 public:
  TreeStream(const git::ObjectStore& store, const git::Oid& tree, const Selection& selection)
      : chunks_({.items = 4, .bytes = 4 * chunk_bytes}, [&store, tree, &selection](const auto& emit) { produce(store, tree, selection, emit); }) {
    advance();
  }

  const TreeFile* current() const { return at_ < chunk_.size() ? &chunk_[at_] : nullptr; }
  void advance() {
    if (++at_ < chunk_.size()) return;
    auto next = chunks_.next();
    chunk_ = next ? std::move(*next) : std::vector<TreeFile>{};
    at_ = 0;
  }

 private:
  using Chunk = std::vector<TreeFile>;
  static constexpr std::size_t chunk_items = 256;
  static constexpr std::size_t chunk_bytes = 256 * 1024;

  static void produce(const git::ObjectStore& store, const git::Oid& tree, const Selection& selection, const Generator<Chunk>::Emit& emit) {
    Chunk chunk;
    std::size_t bytes = 0;
    for_each_wanted(store, tree, selection, [&](std::string_view path, const git::Oid& oid) {
      chunk.push_back({std::string(path), oid});
      bytes += path.size() + sizeof(TreeFile);
      if (chunk.size() < chunk_items && bytes < chunk_bytes) return true;
      return emit(std::exchange(chunk, {}), std::exchange(bytes, 0));
    });
    if (!chunk.empty()) emit(std::move(chunk), bytes);
  }

  Chunk chunk_;
  std::size_t at_ = 0;
  Generator<Chunk> chunks_;
};

class Merge {
 public:
  Merge(TreeStream& tree, const Selection& selection, Quarantine quarantine)
      : tree_(tree), document_settings_(selection.document_settings()), quarantine_(quarantine), plan_(document_settings_) {}

  void meet(const Listed& listed) {
    ++plan_.examined;
    if (previous_ && listed.key <= *previous_) throw TransientError("the engine's listing is out of order at " + listed.key.path);
    previous_ = listed.key;
    send_files_before(listed.key.path);
    const auto* file = tree_.current();
    if (file == nullptr || file->path != listed.key.path || !listed.key.fragment.empty()) {
      plan_.remove(listed.key, listed.fingerprint);
      return;
    }
    if (differs(listed, *file)) plan_.upsert(file->path, file->oid);
    advance();
  }

  Plan finish() {
    while (tree_.current() != nullptr) send_current();
    return std::move(plan_);
  }

 private:
  void send_files_before(std::string_view path) {
    while (tree_.current() != nullptr && tree_.current()->path < path) send_current();
  }
  void send_current() {
    plan_.upsert(tree_.current()->path, tree_.current()->oid);
    advance();
  }
  void advance() {
    ++plan_.examined;
    tree_.advance();
  }
  bool differs(const Listed& listed, const TreeFile& file) const {
    return listed.altered || (listed.quarantined && quarantine_ == Quarantine::retry) ||
           listed.fingerprint != fingerprint_of(file.oid, parser::version, document_settings_);
  }

  TreeStream& tree_;
  std::string document_settings_;
  Quarantine quarantine_;
  Plan plan_;
  std::optional<DocumentKey> previous_;
};

}  // namespace

Plan plan_audit(const git::ObjectStore& store, const git::Oid& tree, const Selection& selection, Engine& engine, Quarantine quarantine) {
  TreeStream files(store, tree, selection);
  Merge merge(files, selection, quarantine);
  engine.list([&](const Listed& listed) {
    merge.meet(listed);
    return true;
  });
  return merge.finish();
}

}  // namespace tidemark::ingest
