#include "ingest/cursor.hpp"

#include "ingest/base64url.hpp"
#include "ingest/search.hpp"

namespace tidemark::ingest {

std::string make_cursor(const DocumentKey& key) { return base64url(key.path + '\0' + key.fragment); }

DocumentKey parse_cursor(std::string_view cursor) {
  const std::optional<std::string> bytes = from_base64url(cursor);
  const auto nul = bytes ? bytes->find('\0') : 0;
  if (nul == 0 || nul == std::string::npos) throw InvalidQuery("the cursor is not one of this listing's");
  return {.path = bytes->substr(0, nul), .fragment = bytes->substr(nul + 1)};
}

std::optional<std::string> after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  ++prefix.back();
  return prefix;
}

}  // namespace tidemark::ingest
