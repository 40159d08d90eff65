#include "ingest/sqlite/listing.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "ingest/cursor.hpp"
#include "ingest/sqlite/rows.hpp"

namespace tidemark::ingest::sqlite {

void list_keys(Connection& connection, const std::function<bool(const Listed&)>& visit) {
  StatementScope rows = connection.cached(
      "SELECT path, fragment, fingerprint, 0, altered FROM document UNION ALL SELECT path, fragment, fingerprint, 1, 0 FROM quarantine ORDER BY 1, 2");
  while (rows->step()) {
    const Listed listed{.key = {.path = std::string(rows->bytes(0)), .fragment = std::string(rows->bytes(1))},
                        .fingerprint = fingerprint_from(rows->bytes(2)),
                        .quarantined = rows->integer(3) != 0,
                        .altered = rows->integer(4) != 0};
    if (!visit(listed)) break;
  }
}

DocumentPage page_of_documents(Connection& connection, const DocumentPageQuery& query, const DocumentKey& after) {
  const int limit = std::clamp(query.limit, 1, 1'000);
  DocumentPage page;
  const std::optional<std::string> end = after_prefix(query.prefix);
  // One lower bound, so that a page begins at its first row: behind `after`, or at the prefix.
  const bool goes_on = !after.path.empty() && after.path >= query.prefix;
  const DocumentKey first = goes_on ? DocumentKey{.path = after.path, .fragment = after.fragment + '\0'} : DocumentKey{.path = query.prefix, .fragment = ""};
  StatementScope rows = connection.cached(end ? "SELECT path, fragment, oid, kind, title, revision FROM document WHERE (path, fragment) >= (?1, ?2) AND "
                                                "path < ?4 ORDER BY path, fragment LIMIT ?3"
                                              : "SELECT path, fragment, oid, kind, title, revision FROM document WHERE (path, fragment) >= (?1, ?2) "
                                                "ORDER BY path, fragment LIMIT ?3");
  rows->bind_all(Blob{first.path}, Blob{first.fragment}, std::int64_t{limit} + 1);
  if (end) rows->bind(4, Blob{*end});
  while (rows->step()) {
    if (page.rows.size() == static_cast<std::size_t>(limit)) {
      page.next = make_cursor(page.rows.back().key);
      break;
    }
    page.rows.push_back({.key = {.path = std::string(rows->bytes(0)), .fragment = std::string(rows->bytes(1))},
                         .oid = oid_of(rows->bytes(2)),
                         .kind = std::string(rows->bytes(3)),
                         .title = std::string(rows->bytes(4)),
                         .revision = oid_of(rows->bytes(5))});
  }
  return page;
}

std::optional<Document> find_document(Connection& connection, const DocumentKey& key) {
  StatementScope row = connection.cached(select_document_sql);
  row->bind_all(Blob{key.path}, Blob{key.fragment});
  if (!row->step()) return std::nullopt;
  return read_document(*row, key);
}

std::vector<Quarantined> list_quarantine(Connection& connection, std::size_t limit) {
  std::vector<Quarantined> entries;
  StatementScope rows = connection.cached("SELECT path, fragment, oid, fingerprint, reason, revision FROM quarantine ORDER BY path, fragment LIMIT ?1");
  rows->bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, 1'000'000)));
  while (rows->step()) {
    entries.push_back({.key = {.path = std::string(rows->bytes(0)), .fragment = std::string(rows->bytes(1))},
                       .oid = oid_of(rows->bytes(2)),
                       .fingerprint = fingerprint_from(rows->bytes(3)),
                       .reason = std::string(rows->bytes(4)),
                       .revision = oid_of(rows->bytes(5))});
  }
  return entries;
}

}  // namespace tidemark::ingest::sqlite
