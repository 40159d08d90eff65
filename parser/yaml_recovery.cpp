#include "parser/yaml_recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "parser/document.hpp"
#include "parser/outline.hpp"
#include "parser/utf8.hpp"

namespace tidemark::parser {
namespace {

constexpr std::size_t max_keys = 1'000;

bool is_conflict_marker(std::string_view line) {
  return line.starts_with("<<<<<<<") || line.starts_with("=======") || line.starts_with(">>>>>>>") || line.starts_with("|||||||");
}
bool says_nothing(std::string_view line) { return trimmed(line).empty() || line.starts_with('#') || is_conflict_marker(line); }

// The key of a line `key: value` or `key:` that is not indented; empty when the line is none.
std::string_view key_of(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() &&
         (std::isalnum(static_cast<unsigned char>(line[end])) || line[end] == '_' || line[end] == '-' || line[end] == '.' || (line[end] & 0x80)))
    ++end;
  if (end == 0 || line[0] == '-' || end == line.size() || line[end] != ':') return {};
  if (end + 1 < line.size() && line[end + 1] != ' ' && line[end + 1] != '\t') return {};
  return line.substr(0, end);
}

struct Entry {
  std::string_view key;
  std::string text;  // the lines without conflict markers
  std::size_t line;
};

std::string value_as_text(const Entry& entry) {
  std::string_view value = trimmed(std::string_view(entry.text).substr(entry.key.size() + 1));
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  return std::string(utf8::prefix_of_bytes(value, max_leaf_bytes));
}

void add(YamlNode& root, const Entry& entry, Problems& problems) {
  if (std::find(root.keys.begin(), root.keys.end(), entry.key) != root.keys.end()) {
    problems.add(fmt::format("front matter, line {}: the key {} appears again: the first one counts", entry.line, excerpt(entry.key)));
    return;
  }
  Problems found;
  YamlResult alone = read_yaml_tree(entry.text, entry.line, found);
  YamlNode value;
  if (alone.root && alone.root->kind == YamlNode::Kind::mapping && alone.root->items.size() == 1 && alone.root->keys[0] == entry.key) {
    value = std::move(alone.root->items[0]);
    for (std::string& problem : found.take()) problems.add(std::move(problem));
  } else {
    value.plain = false;
    value.text = value_as_text(entry);
  }
  root.keys.emplace_back(entry.key);
  root.items.push_back(std::move(value));
}

}  // namespace

bool looks_like_keys(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (!says_nothing(line)) return !key_of(line).empty();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

YamlNode recover_keys(std::string_view text, std::size_t first_line, Problems& problems) {
  YamlNode root;
  root.kind = YamlNode::Kind::mapping;
  Entry entry;
  for (std::size_t line_number = first_line; !text.empty() && root.keys.size() < max_keys; ++line_number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_conflict_marker(line)) continue;
    if (const std::string_view key = key_of(line); !key.empty()) {
      if (!entry.key.empty()) add(root, entry, problems);
      entry = {key, {}, line_number};
    }
    if (!entry.key.empty()) entry.text.append(line).push_back('\n');
  }
  if (!entry.key.empty()) add(root, entry, problems);
  if (!text.empty()) problems.add(fmt::format("front matter: more than {} keys; the rest is left out", max_keys));
  return root;
}

}  // namespace tidemark::parser
