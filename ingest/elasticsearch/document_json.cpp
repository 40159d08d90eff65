#include "ingest/elasticsearch/document_json.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "ingest/elasticsearch/front_matter_json.hpp"
#include "ingest/fingerprint.hpp"
#include "ingest/json_text.hpp"
#include "ingest/prepare.hpp"
#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

// Members of the object that is being written at the end of `out`; the first one has no comma before it.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  void text(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(out_, value);
  }
  void text_unless_empty(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::int64_t value) {
    begin(name);
    const fmt::format_int digits(value);
    out_.append(digits.data(), digits.size());
  }
  void boolean(std::string_view name, bool value) {
    begin(name);
    out_ += value ? "true" : "false";
  }
  void texts_unless_empty(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    begin(name);
    append_json_strings(out_, values);
  }
  // What follows is the member's value.
  void begin(std::string_view name) {
    if (std::exchange(begun_, true)) out_ += ',';
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }

 private:
  std::string& out_;
  bool begun_ = false;
};

// Of a path that is too long for a document only the beginning: path_key is the truth, and every folder above it is a term.
std::string shown_path(std::string_view path) {
  std::string shown = display_path(path.substr(0, max_path_bytes));
  if (path.size() > max_path_bytes) shown += "\u2026";
  return shown;
}

void append_identity(Members& members, std::string_view kind, const DocumentKey& key, const git::Oid& oid, const Fingerprint& fingerprint,
                     const DocumentContext& context) {
  members.text("kind", kind);
  members.text("source", context.source);
  members.text_unless_empty("repo", context.origin);
  members.text_unless_empty("ref", context.ref);
  members.text("path", shown_path(key.path));
  members.text("path_key", path_key(key.path));
  members.text_unless_empty("fragment", display_path(key.fragment));
  members.text("fragment_key", path_key(key.fragment));
  members.text("oid", oid.hex());
  members.text("fingerprint", fingerprint.hex());
}

void append_section(std::string& out, const parser::Section& section, std::int64_t position) {
  Members members(out);
  members.text("anchor", section.anchor);
  members.number("level", section.level);
  members.number("position", position);
  members.text_unless_empty("heading", section.heading);
  members.text_unless_empty("breadcrumb", section.breadcrumb);
  members.text_unless_empty("content", section.content);
  members.text_unless_empty("code", section.code);
  members.end();
}

}  // namespace

void append_document(std::string& out, const Document& document, std::int64_t version, const DocumentContext& context) {
  const parser::Document& content = document.content;
  Members members(out);
  append_identity(members, name_of(content.kind), document.key, document.oid, document.fingerprint, context);
  members.text("lang", content.lang);
  members.number("size", document.size);
  members.text("title", content.title);
  members.text_unless_empty("description", content.description);
  members.texts_unless_empty("tags", content.tags);
  if (content.date) members.text("date", *content.date);
  members.boolean("draft", content.draft);
  members.text_unless_empty("url", content.url);
  members.text_unless_empty("id", content.id);
  const bool indexable = check_front_matter(content.front_matter) == FrontMatter::indexable;
  members.begin("front_matter");
  out += indexable ? content.front_matter : "{}";
  if (!indexable) members.text("front_matter_text", content.front_matter);
  members.texts_unless_empty("problems", content.problems);
  if (!content.sections.empty()) {
    members.begin("sections");
    for (std::size_t i = 0; i < content.sections.size(); ++i) {
      out += i == 0 ? '[' : ',';
      append_section(out, content.sections[i], static_cast<std::int64_t>(i));
    }
    out += ']';
  }
  members.number("generation", document.generation);
  if (version != document.generation) members.number("version", version);
  members.text("revision", document.revision.hex());
  members.number("committed_at", document.committed_at);
  members.end();
}

void append_stub(std::string& out, const Quarantined& entry, std::int64_t generation, const DocumentContext& context) {
  if (entry.key.path.size() > max_stub_path_bytes) throw std::invalid_argument("its path is too long for a term of the index");
  Members members(out);
  append_identity(members, "quarantined", entry.key, entry.oid, entry.fingerprint, context);
  members.begin("quarantined");
  Members quarantined(out);
  quarantined.text("reason", parser::utf8::scrub(entry.reason).text);
  quarantined.end();
  members.number("generation", generation);
  members.text("revision", entry.revision.hex());
  members.end();
}

}  // namespace tidemark::ingest::elasticsearch
