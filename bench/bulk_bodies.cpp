#include "bulk_bodies.hpp"

#include <stdexcept>
#include <variant>

#include "ingest/elasticsearch/bulk_encoder.hpp"
#include "ingest/plan.hpp"
#include "ingest/prepare.hpp"
#include "ingest/selection.hpp"

namespace tidemark::bench {

using namespace ingest;

std::string bulk_body(const git::ObjectStore& store, const std::string& commit, const Identity& identity, std::int64_t generation,
                      std::int64_t& documents, const std::string& only) {
  const auto oid = git::Oid::parse(commit);
  if (!oid) throw std::runtime_error("not a commit: " + commit);
  const Selection selection(only.empty() ? SelectionSettings{} : SelectionSettings{.include = {"/" + only}, .exclude = {"!default"}});
  const git::Revision revision = store.revision(*oid);
  Preparer preparer(store, selection, revision, generation);
  const elasticsearch::BulkEncoder encoder({.source = identity.source, .origin = identity.origin, .ref = ""}, generation);
  elasticsearch::EncodedBulk bulk;
  for_each_wanted(store, revision.tree, selection, [&](std::string_view path, const git::Oid& blob) {
    encoder.append(bulk, preparer.prepare(path, blob));
    return true;
  });
  documents = static_cast<std::int64_t>(bulk.operations.size());
  return std::move(bulk.body);
}

std::vector<Batch> cut(std::string_view body, std::size_t max_bytes, std::size_t max_operations) {
  std::vector<Batch> batches;
  std::size_t begin = 0;
  while (begin < body.size()) {
    std::size_t end = begin;
    std::size_t operations = 0;
    while (end < body.size() && operations < max_operations) {
      const auto next = body.find('\n', body.find('\n', end) + 1) + 1;
      if (operations > 0 && next - begin > max_bytes) break;
      end = next;
      ++operations;
    }
    batches.push_back({.body = body.substr(begin, end - begin), .operations = operations});
    begin = end;
  }
  return batches;
}

void require_no_errors(std::string_view answer) {
  if (answer.find("\"errors\":false") != std::string_view::npos) return;
  throw std::runtime_error("the server refused documents: " + std::string(answer.substr(0, 300)));
}

}  // namespace tidemark::bench
