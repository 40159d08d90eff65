// Which files of a tree become documents.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/glob.hpp"

namespace tidemark::ingest {

// Patterns as in gitignore(5): `*` within a segment, `**` across, `?`, `[a-z]`; one without a slash matches at any depth, a trailing slash only
// folders; case-sensitive, but the extensions that the parser knows count in any case. A file is wanted when the parser has a format for it, an
// include matches it or a folder above it, and no exclude does.
struct SelectionSettings {
  std::vector<std::string> include;              // empty = the default: all Markdown and data files (parser::format_of)
  std::vector<std::string> exclude;              // added to default_exclude() unless the first one is "!default"
  std::int64_t max_file_size = 5 * 1024 * 1024;  // bytes; larger ones go to quarantine
};

inline constexpr std::size_t max_patterns = 1'000;

// Dot folders, lock files (package-lock.json, pnpm-lock.yaml, ...), node_modules, vendor.
std::vector<std::string> default_exclude();

// Safe from every thread.
class Selection {
 public:
  explicit Selection(SelectionSettings settings);  // throws std::invalid_argument naming a pattern that can't be read, or that no file can ever match
  bool wants(std::string_view path) const;         // a file; its folders are looked at too
  bool enters(std::string_view folder) const;      // could anything below it be wanted?
  std::int64_t max_file_size() const { return max_file_size_; }
  // The same text for settings that select the same; its digest is Checkpoint::settings.
  std::string canonical() const;
  // What of the settings the document of a wanted file depends on: part of its fingerprint. Patterns are not, so that a new one leaves the other
  // documents alone.
  std::string document_settings() const;

 private:
  bool excludes(const std::vector<std::string_view>& segments, Glob::Kind kind) const;
  bool includes(const std::vector<std::string_view>& segments) const;

  std::vector<Glob> include_;
  std::vector<Glob> exclude_;
  std::int64_t max_file_size_;
};

}  // namespace tidemark::ingest
