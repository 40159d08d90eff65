// The parser's front door.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "parser/document.hpp"

namespace tidemark::parser {

enum class Format { markdown, json, yaml };

// By the extension, case-insensitively: .md .markdown .mdown .mkd .mdx; .json .jsonl .ndjson .geojson .webmanifest; .yaml .yml.
// CSV, TSV and others are for a later schema. Nothing for the rest.
std::optional<Format> format_of(std::string_view path);

// Not a document: why, in words that an operator can use ("binary: a NUL byte at offset 12").
struct Skipped {
  std::string reason;
};

// Never throws on input (std::bad_alloc aside) and is total: whatever the bytes are, there is a document or a reason. Deterministic, from any thread.
// Text is UTF-8 with or without a byte order mark, UTF-16 by its mark, or what uchardet recognises (Shift_JIS, EUC-JP, ...) and iconv converts; else
// it is skipped as binary.
std::variant<Document, Skipped> parse(std::string_view path, std::string_view bytes);

}  // namespace tidemark::parser
