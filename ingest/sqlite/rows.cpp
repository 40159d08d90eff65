#include "ingest/sqlite/rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "ingest/json_text.hpp"
#include "ingest/sqlite/tokenizer.hpp"

namespace tidemark::ingest::sqlite {

namespace {

using nlohmann::json;

std::string json_of(const std::vector<std::string>& texts) {
  std::string text;
  append_json_strings(text, texts);
  return text;
}

void append_anatomy(std::string& list, const parser::Section& section) {
  const auto append_number = [&](auto number) { list.append(fmt::format_int(number).c_str()); };
  list += list.empty() ? "[[" : ",[";
  append_json_string(list, section.anchor);
  list += ',';
  append_number(section.level);
  list += ',';
  append_number(section.heading.size());
  list += ',';
  append_json_string(list, section.breadcrumb);
  list += ',';
  append_number(section.content.size());
  list += ',';
  append_number(section.code.size());
  list += ']';
}

std::vector<std::string> strings_of(std::string_view text) {
  const json list = json::parse(text, nullptr, false);
  std::vector<std::string> strings;
  if (!list.is_array()) return strings;
  for (const json& item : list) {
    if (item.is_string()) strings.push_back(item.get<std::string>());
  }
  return strings;
}

void append(std::string& column, std::string_view piece) {
  if (piece.empty()) return;
  if (!column.empty()) column += section_boundary;
  column += piece;
}

// Takes the pieces of append() off a column again.
class Pieces {
 public:
  explicit Pieces(std::string_view column) : rest_(column) {}
  std::string_view next(std::size_t bytes) {
    if (bytes == 0) return {};
    if (std::exchange(begun_, true)) rest_.remove_prefix(std::min(section_boundary.size(), rest_.size()));
    const std::string_view piece = rest_.substr(0, bytes);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  bool begun_ = false;
};

// What of the description and the tags is searched: a description that was taken from the prose is found there.
std::string summary_of(const parser::Document& content, const std::string& prose) {
  std::string summary;
  if (prose.find(content.description) == std::string::npos) summary = content.description;
  for (const std::string& tag : content.tags) append(summary, tag);
  return summary;
}

}  // namespace

JoinedSections join_sections(const std::vector<parser::Section>& sections) {
  JoinedSections joined;
  for (const parser::Section& section : sections) {
    append(joined.headings, section.heading);
    append(joined.prose, section.content);
    append(joined.code, section.code);
    append_anatomy(joined.anatomy, section);
  }
  joined.anatomy += joined.anatomy.empty() ? "[]" : "]";
  return joined;
}

std::vector<parser::Section> split_sections(std::string_view anatomy, std::string_view headings, std::string_view prose, std::string_view code) {
  std::vector<parser::Section> sections;
  const json list = json::parse(anatomy, nullptr, false);
  if (!list.is_array()) return sections;
  Pieces heading_pieces(headings);
  Pieces prose_pieces(prose);
  Pieces code_pieces(code);
  for (const json& item : list) {
    if (!item.is_array() || item.size() != 6 || !item[0].is_string() || !item[1].is_number_integer() || !item[2].is_number_unsigned() ||
        !item[3].is_string() || !item[4].is_number_unsigned() || !item[5].is_number_unsigned()) {
      break;  // a row altered by hand; the check and the audit see to it
    }
    sections.push_back({.anchor = item[0].get<std::string>(),
                        .level = item[1].get<int>(),
                        .heading = std::string(heading_pieces.next(item[2].get<std::size_t>())),
                        .breadcrumb = item[3].get<std::string>(),
                        .content = std::string(prose_pieces.next(item[4].get<std::size_t>())),
                        .code = std::string(code_pieces.next(item[5].get<std::size_t>()))});
  }
  return sections;
}

Row::Row(const Document& written)
    : document(written),
      sections(join_sections(written.content.sections)),
      summary(summary_of(written.content, sections.prose)),
      tags(json_of(written.content.tags)),
      problems(json_of(written.content.problems)) {}

void Row::bind(Statement& insert, std::int64_t id) const {
  const parser::Document& content = document.content;
  insert.bind_all(id, document.generation, Blob{document.revision.bytes()}, document.committed_at, Blob{document.key.path}, Blob{document.key.fragment},
                  Blob{document.oid.bytes()}, Blob{document.fingerprint.bytes()}, document.size, name_of(content.kind), std::string_view(content.lang),
                  std::int64_t{content.draft}, content.date ? std::string_view(*content.date) : std::string_view(), std::string_view(content.url),
                  std::string_view(content.id), std::string_view(content.title), std::string_view(tags), std::string_view(content.description),
                  std::string_view(summary), std::string_view(problems), std::string_view(content.front_matter), std::string_view(sections.anatomy),
                  std::string_view(sections.headings), std::string_view(sections.prose), std::string_view(sections.code));
  if (!content.date) insert.bind_null(13);
}

Document read_document(const Statement& row, DocumentKey key) {
  Document document;
  document.key = std::move(key);
  document.generation = row.integer(0);
  document.revision = oid_of(row.bytes(1));
  document.committed_at = row.integer(2);
  document.oid = oid_of(row.bytes(3));
  document.fingerprint = fingerprint_from(row.bytes(4));
  document.size = row.integer(5);
  parser::Document& content = document.content;
  content.kind = row.bytes(6) == name_of(parser::Kind::data) ? parser::Kind::data : parser::Kind::page;
  content.lang = row.bytes(7);
  content.draft = row.integer(8) != 0;
  if (!row.is_null(9)) content.date = std::string(row.bytes(9));
  content.url = row.bytes(10);
  content.id = row.bytes(11);
  content.title = row.bytes(12);
  content.tags = strings_of(row.bytes(13));
  content.description = row.bytes(14);
  content.problems = strings_of(row.bytes(15));
  content.front_matter = row.bytes(16);
  content.sections = split_sections(row.bytes(17), row.bytes(18), row.bytes(19), row.bytes(20));
  return document;
}

git::Oid oid_of(std::string_view bytes) { return git::Oid::from_bytes(bytes).value_or(git::Oid{}); }

Fingerprint fingerprint_from(std::string_view bytes) { return Fingerprint::from_bytes(bytes).value_or(Fingerprint{}); }

}  // namespace tidemark::ingest::sqlite
