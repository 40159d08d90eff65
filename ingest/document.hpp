// What the index holds of a source, and what may be done to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "git/oid.hpp"
#include "ingest/fingerprint.hpp"
#include "parser/document.hpp"

namespace tidemark::ingest {

// Which document of a source: the file's path (bytes; the truth) and, for a record of a data file, its id in the file ("" otherwise). Ordered by bytes.
struct DocumentKey {
  std::string path;
  std::string fragment;
  auto operator<=>(const DocumentKey&) const = default;
};

// One document as the engine stores it. All but the last three fields is a pure function of path, blob, settings and parser.
struct Document {
  DocumentKey key;
  git::Oid oid;               // the blob's
  Fingerprint fingerprint;
  std::int64_t size = 0;      // the blob's bytes
  parser::Document content;
  std::int64_t generation = 0;     // of the run that wrote it
  git::Oid revision;               // its target
  std::int64_t committed_at = 0;   // the revision's, seconds since 1970
  std::int64_t bytes() const;      // about how much memory it takes; what batches are bounded by
};

// A file that is not in the index though it was asked for, with the reason; retried when its fingerprint changes or on request.
struct Quarantined {
  DocumentKey key;
  git::Oid oid;
  Fingerprint fingerprint;
  std::string reason;
  git::Oid revision;  // the target of the run that put it here
  bool operator==(const Quarantined&) const = default;
};

struct Removal {
  DocumentKey key;
};

// An operation on one key: the document replaces what was there, or leaves (into quarantine, or altogether).
using Operation = std::variant<Document, Quarantined, Removal>;
const DocumentKey& key_of(const Operation& operation);

std::string_view name_of(parser::Kind kind);  // "page", "data": in every index and in the API

}  // namespace tidemark::ingest
