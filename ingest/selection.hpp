// Which files of a tree become documents.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::ingest {

// Patterns as in gitignore(5): `*` within a segment, `**` across, `?`, `[a-z]`; one without a slash matches at any depth, a trailing slash only folders; case-sensitive, but the
// default include matches extensions in any case. A file is wanted when an include matches and no exclude matches it or a folder above it.
struct SelectionSettings {
  std::vector<std::string> include;  // empty = the default: Markdown and data files (parser::format_of)
  std::vector<std::string> exclude;  // added to default_exclude() unless the first one is "!default"
  std::int64_t max_file_size = 5 * 1024 * 1024;  // bytes; larger ones go to quarantine
};

// Dot folders and dot files' folders, lock files (package-lock.json, pnpm-lock.yaml, composer.lock.json, ...), node_modules, vendor.
std::vector<std::string> default_exclude();

class Selection {
 public:
  explicit Selection(SelectionSettings settings);  // throws std::invalid_argument naming a pattern that can't be read
  bool wants(std::string_view path) const;          // a file; its folders are looked at too
  bool enters(std::string_view folder) const;       // could anything below it be wanted?
  std::int64_t max_file_size() const { return settings_.max_file_size; }
  // The same text for settings that select the same; its digest is Checkpoint::settings.
  std::string canonical() const;

 private:
  SelectionSettings settings_;
};

}  // namespace tidemark::ingest
