#include "sync/publish/path_rules.hpp"

#include <string>

namespace tidemark::sync {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  if (text.size() < start.size()) return false;
  for (std::size_t i = 0; i < start.size(); i++)
    if (lower(text[i]) != start[i]) return false;
  return true;
}

// NTFS drops spaces and dots at the end, ':' begins a stream's name, and git~1 is the short name of .git.
bool is_ntfs_dot_git(std::string_view name) {
  std::string_view rest;
  if (starts_with_ignoring_case(name, ".git"))
    rest = name.substr(4);
  else if (starts_with_ignoring_case(name, "git~1"))
    rest = name.substr(5);
  else
    return false;
  for (const char c : rest) {
    if (c == ':' || c == '\\') return true;
    if (c != ' ' && c != '.') return false;
  }
  return true;
}

// The code points that HFS+ ignores in names: U+200C-200F, U+202A-202E, U+206A-206F, U+FEFF, as UTF-8.
bool is_ignored_by_hfs(std::string_view three_bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(three_bytes[i]); };
  if (at(0) == 0xe2 && at(1) == 0x80) return (at(2) >= 0x8c && at(2) <= 0x8f) || (at(2) >= 0xaa && at(2) <= 0xae);
  if (at(0) == 0xe2 && at(1) == 0x81) return at(2) >= 0xaa && at(2) <= 0xaf;
  return at(0) == 0xef && at(1) == 0xbb && at(2) == 0xbf;
}

bool is_hfs_dot_git(std::string_view name) {
  std::string seen;
  for (std::size_t i = 0; i < name.size() && seen.size() <= 4;) {
    if (name.size() - i >= 3 && is_ignored_by_hfs(name.substr(i, 3)))
      i += 3;
    else
      seen += lower(name[i++]);
  }
  return seen == ".git";
}

}  // namespace

bool is_safe_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  if (name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) return false;
  const char first = lower(name.front());
  // Every refused spelling begins with one of these: '.', 'g', or the first byte of an ignored code point.
  if (first != '.' && first != 'g' && first != '\xe2' && first != '\xef') return true;
  return !is_ntfs_dot_git(name) && !is_hfs_dot_git(name);
}

}  // namespace tidemark::sync
