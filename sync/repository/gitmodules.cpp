#include "sync/repository/gitmodules.hpp"

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/log.hpp"
#include "git/libgit2.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

// libgit2 looks at the rest of a line again for each section that begins on it.
constexpr std::size_t max_line_bytes = 8 * 1024;

using ConfigHandle = std::unique_ptr<git_config, git::Freed<git_config_free>>;
using ConfigIterator = std::unique_ptr<git_config_iterator, git::Freed<git_config_iterator_free>>;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// libgit2 would read any file of this machine that is named there.
bool may_include(std::string_view text) {
  constexpr std::string_view word = "[include";
  const auto same = [](char a, char b) { return lower(a) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool has_long_line(std::string_view text) {
  while (text.size() > max_line_bytes) {
    const auto end = text.substr(0, max_line_bytes).rfind('\n');
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

[[noreturn]] void refuse(const std::string& why) { throw StalledError(".gitmodules " + why + "; correct it in the repository"); }

// A file that is there as long as this.
class Scratch {
 public:
  Scratch(fs::path path, std::string_view text) : path_(std::move(path)) {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) throw TransientError("write " + path_.string() + " failed; check that the volume is writable and not full");
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  fs::path path_;
};

// "submodule.NAME.key": the name may have dots.
std::optional<std::pair<std::string, std::string>> name_and_key(std::string_view variable) {
  constexpr std::string_view section = "submodule.";
  const auto dot = variable.rfind('.');
  if (!variable.starts_with(section) || dot < section.size()) return std::nullopt;
  return std::pair(std::string(variable.substr(section.size(), dot - section.size())), std::string(variable.substr(dot + 1)));
}

bool is_true(const std::string& value) {
  int result = 0;
  return git_config_parse_bool(&result, value.c_str()) == 0 && result != 0;
}

void set(SubmoduleEntry& entry, const std::string& key, const char* value) {
  if (key == "shallow") entry.is_shallow = !value || is_true(value);
  if (!value) return;
  if (key == "path") entry.path = value;
  if (key == "url") entry.url = value;
  if (key == "update") entry.update = value;
}

bool leaves_its_folder(std::string_view name) {
  for (std::size_t at = 0; at <= name.size();) {
    const auto end = std::min(name.find_first_of("/\\", at), name.size());
    if (name.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

[[noreturn]] void leads_above(const std::string& url) {
  throw StalledError("its URL '" + redact_credentials(url) + "' leads above the root of the repository that has it; correct it in .gitmodules");
}

// Cuts the last segment off, and tells by which character what is to follow is joined.
char cut_segment(std::string& url, const std::string& relative) {
  for (const char separator : {'/', ':'}) {
    const auto at = url.rfind(separator);
    if (at == std::string::npos) continue;
    url.erase(at);
    return separator;
  }
  if (url == ".") leads_above(relative);
  url = ".";
  return '/';
}

bool is_local_path(const std::string& url) {
  const auto colon = url.find(':');
  return colon == std::string::npos || url.find('/') < colon;
}

}  // namespace

Gitmodules Gitmodules::parse(std::string_view text, const fs::path& scratch) {
  if (text.size() > max_bytes) refuse("has more than 2 MiB");
  if (has_long_line(text)) refuse("has a line of more than 8 KiB");
  if (may_include(text)) refuse("includes another file, which is not done");
  const Scratch file(scratch, text);
  git_config* opened = nullptr;
  if (git_config_open_ondisk(&opened, scratch.c_str()) < 0) refuse("can't be read: " + git::last_error());
  const ConfigHandle config(opened);
  git_config_iterator* iterator = nullptr;
  git::check(git_config_iterator_new(&iterator, opened), "read .gitmodules");
  const ConfigIterator handle(iterator);
  // In the order of their first lines, as a later entry for the same path replaces an earlier one.
  std::map<std::string, SubmoduleEntry> by_name;
  std::map<std::string, std::string> name_of_path;
  git_config_entry* variable = nullptr;
  while (git_config_next(&variable, iterator) == 0) {
    const auto parts = name_and_key(variable->name);
    if (!parts) continue;
    SubmoduleEntry& entry = by_name[parts->first];
    entry.name = parts->first;
    set(entry, parts->second, variable->value);
    if (parts->second == "path" && variable->value) name_of_path[variable->value] = parts->first;
  }
  Gitmodules modules;
  for (const auto& [path, name] : name_of_path) {
    const SubmoduleEntry& entry = by_name.at(name);
    if (entry.path == path) modules.by_path_.emplace(path, entry);
  }
  return modules;
}

const SubmoduleEntry* Gitmodules::find(const std::string& path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : &found->second;
}

std::string problem_of(const SubmoduleEntry& entry) {
  if (entry.name.empty()) return "it has no name";
  if (leaves_its_folder(entry.name)) return "its name leads out of its folder";
  if (entry.path.starts_with('-')) return "its path begins with a '-'";
  if (entry.url.starts_with('-')) return "its URL begins with a '-'";
  if (has_control_characters(entry.url)) return "its URL has a control character";
  constexpr std::string_view updates[] = {"", "none", "checkout", "rebase", "merge"};
  if (std::ranges::find(updates, entry.update) == std::end(updates)) return "its update is none of none, checkout, rebase and merge";
  return "";
}

std::string resolved_url(const std::string& parent, const std::string& url) {
  if (!url.starts_with("./") && !url.starts_with("../")) return url;
  std::string base = parent;
  if (base.ends_with('/')) base.pop_back();
  const bool is_relative = is_local_path(base) && !base.starts_with('/');
  if (is_relative && !base.starts_with("./") && !base.starts_with("../")) base = "./" + base;
  std::string_view rest = url;
  char separator = '/';
  while (rest.starts_with("./") || rest.starts_with("../")) {
    const bool is_up = rest.starts_with("../");
    rest.remove_prefix(is_up ? 3 : 2);
    if (!is_up) continue;
    if (is_relative && base.find('/') == std::string::npos) leads_above(url);
    if (cut_segment(base, url) == ':') separator = ':';
  }
  std::string result = base + separator + std::string(rest);
  if (rest.ends_with('/')) result.pop_back();
  if (result.starts_with("./")) result.erase(0, 2);
  return result;
}

}  // namespace tidemark::sync
