#include "ingest/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "parser/parse.hpp"

namespace tidemark::ingest {

namespace {

std::vector<Glob> compile(std::vector<std::string> patterns) {
  if (patterns.size() > max_patterns) throw std::invalid_argument(fmt::format("more than {} patterns", max_patterns));
  std::ranges::sort(patterns);
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  std::vector<Glob> globs;
  for (const auto& pattern : patterns) globs.emplace_back(pattern);
  return globs;
}

std::vector<std::string> with_default(std::vector<std::string> exclude) {
  if (!exclude.empty() && exclude.front() == "!default") {
    exclude.erase(exclude.begin());
    return exclude;
  }
  std::ranges::copy(default_exclude(), std::back_inserter(exclude));
  return exclude;
}

// Whether one of the globs matches the path or a folder above it. `segments` is taken apart from its end and is empty afterwards.
bool matches_upwards(const std::vector<Glob>& globs, std::vector<std::string_view> segments, Glob::Kind kind) {
  for (; !segments.empty(); segments.pop_back(), kind = Glob::Kind::folder) {
    if (std::ranges::any_of(globs, [&](const Glob& glob) { return glob.matches(segments, kind); })) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> default_exclude() {
  return {".*/",
          "node_modules/",
          "vendor/",
          "package-lock.json",
          "npm-shrinkwrap.json",
          "pnpm-lock.yaml",
          "packages.lock.json",
          "project.lock.json",
          "composer.lock.json",
          "conda-lock.yml"};
}

Selection::Selection(SelectionSettings settings)
    : include_(compile(std::move(settings.include))),
      exclude_(compile(with_default(std::move(settings.exclude)))),
      max_file_size_(settings.max_file_size) {
  if (max_file_size_ < 0) throw std::invalid_argument("the largest size of a file is negative");
  for (const auto& glob : include_) {
    const auto extension = glob.extension();
    if (!extension.empty() && !parser::format_of("x" + extension)) {
      throw std::invalid_argument(
          fmt::format("pattern '{}': no parser reads *{}; documents are made of Markdown, JSON and YAML files", glob.text(), extension));
    }
  }
}

bool Selection::wants(std::string_view path) const {
  if (!parser::format_of(path)) return false;
  std::vector<std::string_view> segments;
  split_path(path, segments);
  return includes(segments) && !excludes(segments, Glob::Kind::file);
}

bool Selection::enters(std::string_view folder) const {
  std::vector<std::string_view> segments;
  split_path(folder, segments);
  if (excludes(segments, Glob::Kind::folder)) return false;
  return include_.empty() || std::ranges::any_of(include_, [&](const Glob& glob) { return glob.may_match_below(segments); });
}

bool Selection::excludes(const std::vector<std::string_view>& segments, Glob::Kind kind) const { return matches_upwards(exclude_, segments, kind); }

bool Selection::includes(const std::vector<std::string_view>& segments) const {
  return include_.empty() || matches_upwards(include_, segments, Glob::Kind::file);
}

std::string Selection::canonical() const {
  std::string text = fmt::format("selection 1\nmax-file-size {}\n", max_file_size_);
  for (const auto& glob : include_) text += fmt::format("include {} {}\n", glob.text().size(), glob.text());
  for (const auto& glob : exclude_) text += fmt::format("exclude {} {}\n", glob.text().size(), glob.text());
  return text;
}

std::string Selection::document_settings() const { return fmt::format("max-file-size {}\n", max_file_size_); }

}  // namespace tidemark::ingest
