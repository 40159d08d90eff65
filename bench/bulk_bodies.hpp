// The bulk bodies of a commit's documents, by the agent's own parser and encoder: made before the clock starts, sent by whoever wants to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "git/object_store.hpp"

namespace tidemark::bench {

// What goes into each document beside its file.
struct Identity {
  std::string source;
  std::string origin;
};

// NDJSON of the commit's documents in the agent's order, each with this generation; `documents` gets their number. `only`: of this path alone.
std::string bulk_body(const git::ObjectStore& store, const std::string& commit, const Identity& identity, std::int64_t generation,
                      std::int64_t& documents, const std::string& only = "");

// Of a bulk's answer with its `errors`. Throws std::runtime_error when a document was refused.
void require_no_errors(std::string_view answer);

struct Batch {
  std::string_view body;
  std::size_t operations = 0;
};

// Cut between operations (each an action line and a document line), at so many bytes or operations.
std::vector<Batch> cut(std::string_view body, std::size_t max_bytes, std::size_t max_operations);

}  // namespace tidemark::bench
