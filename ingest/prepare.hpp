// One file of the target becomes one operation: read, parsed, or quarantined with the reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "git/object_store.hpp"
#include "git/revision.hpp"
#include "ingest/document.hpp"
#include "ingest/selection.hpp"

namespace tidemark::ingest {

inline constexpr std::size_t max_path_bytes = 4'096;

class Preparer {
 public:
  // Uses the store on the thread that calls prepare().
  Preparer(const git::ObjectStore& store, const Selection& selection, const git::Revision& target, std::int64_t generation);

  // A Document or a Quarantined. Throws git::ObjectMissing, git::Error.
  Operation prepare(std::string_view path, const git::Oid& oid);

 private:
  const git::ObjectStore& store_;
  const git::Revision& target_;
  std::int64_t generation_;
  std::int64_t max_file_size_;
  std::string document_settings_;
};

}  // namespace tidemark::ingest
