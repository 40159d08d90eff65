// Questions to an index and their answers, the same for every engine.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "git/oid.hpp"
#include "ingest/document.hpp"

namespace tidemark::ingest {

// The caller's fault: answered with 400 and this text.
class InvalidQuery : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr int max_search_limit = 100;
inline constexpr int max_search_window = 10'000;     // offset + limit
inline constexpr std::size_t max_query_bytes = 1'024;
inline constexpr int max_hit_sections = 3;

struct SearchQuery {
  std::string text;      // words, all of which must occur in a document; "quoted phrases"; a trailing * is a prefix; no other operators
  int limit = 10;
  int offset = 0;
  std::optional<std::string> path;    // the document's own path, or a folder above it
  std::optional<std::string> tag;
  std::optional<std::string> kind;    // "page" or "data"
  std::optional<std::string> lang;
  std::optional<std::string> source;
};

struct HitSection {
  std::string anchor;
  std::string heading;
  std::string snippet;  // HTML: matches in <mark>, everything else escaped; at most about 240 characters of text
};

struct Hit {
  std::string path;     // display_path
  std::string title;
  std::string source;
  std::string url;
  std::string revision; // hex: the revision whose run wrote the document
  std::string kind;     // "page" or "data"
  std::string lang;
  double score = 0;     // higher is better; comparable within one answer
  std::vector<HitSection> sections;  // the best ones, best first; at least one when the text matched in a section
};

struct SearchResult {
  std::int64_t total = 0;
  std::vector<Hit> hits;
};

struct DocumentPageQuery {
  std::string prefix;                 // of the path, bytes
  std::optional<std::string> after;   // a cursor from DocumentPage::next
  int limit = 100;                    // at most 1,000
};

struct DocumentRow {
  DocumentKey key;
  git::Oid oid;
  std::string kind;
  std::string title;
  git::Oid revision;
};

struct DocumentPage {
  std::vector<DocumentRow> rows;
  std::optional<std::string> next;
};

}  // namespace tidemark::ingest
