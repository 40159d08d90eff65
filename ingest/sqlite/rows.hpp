// A document as a row, and back: what is written is what is read (tests/ingest/sqlite_rows_test.cpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/document.hpp"
#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

// The sections of a document as its row keeps them: their texts joined into one column each, and a JSON array of
// [anchor, level, bytes of the heading, breadcrumb, bytes of prose, bytes of code] that takes them apart again.
struct JoinedSections {
  std::string anatomy;
  std::string headings;
  std::string prose;
  std::string code;
};

JoinedSections join_sections(const std::vector<parser::Section>& sections);  // throws std::invalid_argument for text that is not UTF-8
std::vector<parser::Section> split_sections(std::string_view anatomy, std::string_view headings, std::string_view prose, std::string_view code);

// The columns of `document` that FTS5 searches, in its order.
struct SearchedText {
  std::string_view title;
  std::string_view headings;
  std::string_view summary;
  std::string_view prose;
  std::string_view code;
};

inline constexpr std::string_view insert_document_sql =
    "INSERT INTO document(id, altered, generation, revision, committed_at, path, fragment, oid, fingerprint, size, kind, lang, draft, date, url, front_id, "
    "title, tags, description, summary, problems, front_matter, sections, headings, prose, code) "
    "VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";

inline constexpr std::string_view select_document_sql =
    "SELECT generation, revision, committed_at, oid, fingerprint, size, kind, lang, draft, date, url, front_id, title, tags, description, problems, "
    "front_matter, sections, headings, prose, code FROM document WHERE path = ?1 AND fragment = ?2";

// A document's columns that are made, not copied. Throws std::invalid_argument when its text is not UTF-8.
struct Row {
  explicit Row(const Document& document);
  const Document& document;
  JoinedSections sections;
  std::string summary;
  std::string tags;
  std::string problems;

  void bind(Statement& insert_document, std::int64_t id) const;  // the row must outlive the statement's run
  SearchedText searched() const { return {document.content.title, sections.headings, summary, sections.prose, sections.code}; }
};
Document read_document(const Statement& row, DocumentKey key);  // of select_document_sql

git::Oid oid_of(std::string_view bytes);                 // the null id when it is not 20 bytes
Fingerprint fingerprint_from(std::string_view bytes);    // all zero when it is not 16 bytes

}  // namespace tidemark::ingest::sqlite
