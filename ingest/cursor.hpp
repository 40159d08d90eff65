// The opaque cursors of a listing: the last key given, as base64url. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/document.hpp"

namespace tidemark::ingest {

std::string make_cursor(const DocumentKey& key);
DocumentKey parse_cursor(std::string_view cursor);  // throws InvalidQuery for what make_cursor() does not make

// The first byte string after all that begin with `prefix`; nothing when there is none (no prefix, or only FF bytes).
std::optional<std::string> after_prefix(std::string prefix);

}  // namespace tidemark::ingest
