#include "sync/publish/sparse_patterns.hpp"

#include <algorithm>
#include <cctype>

#include "git/object_hash.hpp"

namespace tidemark::sync {

namespace {

constexpr std::string_view special = "*?[\\";

// A character class of POSIX in the C locale; nothing for a name that there is not.
std::optional<std::bitset<256>> named_class(std::string_view name) {
  constexpr std::pair<std::string_view, int (*)(int)> classes[] = {{"alnum", std::isalnum}, {"alpha", std::isalpha}, {"blank", std::isblank},
                                                                   {"cntrl", std::iscntrl}, {"digit", std::isdigit}, {"graph", std::isgraph},
                                                                   {"lower", std::islower}, {"print", std::isprint}, {"punct", std::ispunct},
                                                                   {"space", std::isspace}, {"upper", std::isupper}, {"xdigit", std::isxdigit}};
  for (const auto& [known, contains] : classes) {
    if (known != name) continue;
    std::bitset<256> set;
    for (int c = 0; c < 128; c++) set[static_cast<std::size_t>(c)] = contains(c) != 0;
    return set;
  }
  return std::nullopt;
}

// Without the spaces at its end, unless a backslash stands before them.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < line.size(); i++) {
    if (line[i] == '\\')
      end = std::min(++i + 1, line.size());
    else if (line[i] != ' ')
      end = i + 1;
  }
  return line.substr(0, end);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }  // npos + 1 is 0

bool is_below(std::string_view path, std::string_view folder) {
  return folder.empty() || (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

}  // namespace

SparsePatterns::SparsePatterns(std::string_view text) : text_(text), fingerprint_(git::hash_object("blob", text).hex()) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with('#')) add_line(without_trailing_spaces(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void SparsePatterns::add_line(std::string_view line) {
  Pattern pattern;
  pattern.wants = !line.starts_with('!');
  if (!pattern.wants) line.remove_prefix(1);
  pattern.folders_only = line.ends_with('/');
  if (pattern.folders_only) line.remove_suffix(1);
  if (line.empty()) return;
  pattern.names_only = line.find('/') == std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  auto tokens = tokens_of(line, pattern.names_only);
  if (!tokens) return;
  pattern.tokens = std::move(*tokens);
  patterns_.push_back(std::move(pattern));
}

// `**` means folders where slashes or the ends stand on both of its sides. As with git also behind plain characters that begin a pattern: those are
// compared first, and what is left is a pattern of its own.
std::optional<std::vector<SparsePatterns::Token>> SparsePatterns::tokens_of(std::string_view pattern, bool names_only) {
  std::vector<Token> tokens;
  const std::size_t first_special = std::min(pattern.find_first_of(special), pattern.size());
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '*') {
      const std::size_t end = std::min(pattern.find_first_not_of('*', i), pattern.size());
      const bool is_deep =
          !names_only && end - i > 1 && (i == first_special || pattern[i - 1] == '/') && (end == pattern.size() || pattern[end] == '/');
      tokens.push_back({!is_deep ? Kind::star : end == pattern.size() ? Kind::anything : Kind::folders});
      i = is_deep ? end + 1 : end;
    } else if (c == '?') {
      tokens.push_back({Kind::any_character});
      i++;
    } else if (c == '[') {
      const auto set = take_set(pattern, i);
      if (!set) return std::nullopt;
      tokens.push_back({Kind::set, 0, *set});
    } else {
      if (c == '\\' && ++i == pattern.size()) return std::nullopt;
      tokens.push_back({Kind::character, pattern[i]});
      i++;
    }
  }
  return tokens;
}

// A bracket expression at `at`, which moves behind it; nothing when it does not end or names an unknown class.
std::optional<std::bitset<256>> SparsePatterns::take_set(std::string_view pattern, std::size_t& at) {
  std::bitset<256> set;
  std::size_t i = at + 1;
  const bool is_negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (is_negated) i++;
  const auto take_character = [&]() -> std::optional<unsigned char> {
    if (i < pattern.size() && pattern[i] == '\\') i++;
    if (i >= pattern.size()) return std::nullopt;
    return static_cast<unsigned char>(pattern[i++]);
  };
  int previous = -1;  // where a range may begin
  for (bool is_first = true; is_first || i >= pattern.size() || pattern[i] != ']'; is_first = false) {
    if (i >= pattern.size()) return std::nullopt;
    if (pattern[i] == '-' && previous >= 0 && i + 1 < pattern.size() && pattern[i + 1] != ']') {
      i++;
      const auto last = take_character();
      if (!last) return std::nullopt;
      for (int c = previous; c <= *last; c++) set.set(c);
      previous = -1;
      continue;
    }
    if (pattern.substr(i).starts_with("[:")) {
      const auto end = pattern.find(']', i + 2);
      if (end == std::string_view::npos) return std::nullopt;
      if (end > i + 2 && pattern[end - 1] == ':') {
        const auto named = named_class(pattern.substr(i + 2, end - 1 - (i + 2)));
        if (!named) return std::nullopt;
        set |= *named;
        i = end + 1;
        previous = -1;
        continue;
      }
    }
    const auto character = take_character();
    if (!character) return std::nullopt;
    set.set(*character);
    previous = *character;
  }
  at = i + 1;
  if (is_negated) set.flip();
  set.reset('/');
  return set;
}

// Where something does not fit, the last star takes one character more; where it can't, the last folders (or anything) do. Those before them need not
// be tried again: whatever they took more of could be taken by the later ones.
bool SparsePatterns::matches(const std::vector<Token>& tokens, std::string_view text) {
  struct Retry {
    std::size_t token = 0, at = 0;
    Kind kind = Kind::star;
    bool is_set = false;
  };
  Retry star, deep;
  std::size_t token = 0, at = 0;
  const auto retry = [&] {
    if (star.is_set && star.at < text.size() && text[star.at] != '/') {
      star.at++;
      token = star.token;
      at = star.at;
      return true;
    }
    star.is_set = false;
    if (!deep.is_set) return false;
    deep.at = deep.kind == Kind::folders ? text.find('/', deep.at) : deep.at;
    if (deep.at >= text.size()) return false;
    deep.at++;
    token = deep.token;
    at = deep.at;
    return true;
  };
  while (true) {
    if (token == tokens.size()) {
      if (at == text.size()) return true;
      if (!retry()) return false;
      continue;
    }
    const Token& wanted = tokens[token];
    bool fits = at < text.size();
    switch (wanted.kind) {
      case Kind::star:
        star = {++token, at, Kind::star, true};
        continue;
      case Kind::folders:
      case Kind::anything:
        deep = {++token, at, wanted.kind, true};
        star.is_set = false;
        continue;
      case Kind::character:
        fits = fits && text[at] == wanted.character;
        break;
      case Kind::any_character:
        fits = fits && text[at] != '/';
        break;
      case Kind::set:
        fits = fits && wanted.set[static_cast<unsigned char>(text[at])];
        break;
    }
    if (fits) {
      token++;
      at++;
    } else if (!retry()) {
      return false;
    }
  }
}

std::optional<bool> SparsePatterns::decide(std::string_view path, bool is_folder) const {
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->folders_only && !is_folder) continue;
    if (matches(pattern->tokens, pattern->names_only ? name_of(path) : path)) return pattern->wants;
  }
  return std::nullopt;
}

bool SparsePatterns::wants(std::string_view path) const { return SparseWalk(*this).wants(path); }

bool SparseWalk::wants(std::string_view path) {
  while (!levels_.empty() && !is_below(path, folder_)) {
    levels_.pop_back();
    folder_.resize(levels_.empty() ? 0 : levels_.back().first);
  }
  const auto inherited = [&] { return !levels_.empty() && levels_.back().second; };
  for (auto slash = path.find('/', folder_.size() + (folder_.empty() ? 0 : 1)); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    folder_ = path.substr(0, slash);
    levels_.emplace_back(slash, patterns_.decide(folder_, true).value_or(inherited()));
  }
  return patterns_.decide(path, false).value_or(inherited());
}

}  // namespace tidemark::sync
