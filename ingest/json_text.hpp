// JSON text written straight into a string, without a tree of values: what is made for every document. A pure function of its arguments.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tidemark::ingest {

// Appends `text` as a JSON string with its quotes (RFC 8259, section 7; only what must be escaped is). Throws std::invalid_argument when it is not
// UTF-8, and has then appended nothing.
void append_json_string(std::string& out, std::string_view text);

// An array of strings; throws as append_json_string, and has then appended a part.
void append_json_strings(std::string& out, std::span<const std::string> texts);

}  // namespace tidemark::ingest
