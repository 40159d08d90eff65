// Documents as the index stores them, and back: what is written is what is read (docs/formats.md lists the fields). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/hex.hpp"
#include "ingest/document.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest::elasticsearch {

// The fields of every stored document that are no function of its path and blob.
struct DocumentContext {
  std::string source;  // its name
  std::string origin;
  std::string ref;     // "" if unknown
};

// Of a quarantined path: its key is a term of the index, which has at most 32,766 bytes. (Documents' paths have 4,096 bytes at most.)
inline constexpr std::size_t max_stub_path_bytes = 16'000;

// Appends one line of JSON without a line break. Throws std::invalid_argument for text that is not UTF-8, and has then appended a part.
// `version`: the generation of the run that writes it, which the document is versioned by; stored as well if the document names another.
void append_document(std::string& out, const Document& document, std::int64_t version, const DocumentContext& context);
// The stub that stands for a quarantined file: kind "quarantined", path, path_key, fragment, fragment_key, oid, fingerprint, revision, generation, quarantined.reason.
// Throws std::invalid_argument for a path over max_stub_path_bytes.
void append_stub(std::string& out, const Quarantined& entry, std::int64_t generation, const DocumentContext& context);

// From a `_source`. Nothing for what is not one of ours (a stranger's, a stub, the state).
std::optional<Document> read_document(std::string_view source_json);
std::optional<Quarantined> read_stub(std::string_view source_json);
std::optional<Document> document_of(const nlohmann::ordered_json& source);
std::optional<Quarantined> stub_of(const nlohmann::ordered_json& source);

// The bytes of a path or a fragment as sortable text: hex, lower case.
inline std::string path_key(std::string_view path) { return hex(path); }
inline std::optional<std::string> path_from_key(std::string_view key) { return from_hex(key); }

}  // namespace tidemark::ingest::elasticsearch
