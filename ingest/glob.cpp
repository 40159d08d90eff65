// Two nested wildcard matches of the same shape: bytes with `*` inside a segment, segments with `**` along the path. Going back to the latest
// wildcard alone is enough in both, since an earlier one can gain nothing that the latest could not take; so no pattern takes exponential time.
#include "ingest/glob.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace tidemark::ingest {

namespace {

// `at` and `name_at` of the latest wildcard, to go back to.
struct Mark {
  std::size_t pattern = std::string_view::npos;
  std::size_t subject = 0;
  bool is_set() const { return pattern != std::string_view::npos; }
};

using ByteSet = std::bitset<256>;

// The classes of POSIX brackets in the C locale.
bool in_class(std::string_view name, int byte) {
  if (byte > 127) return false;
  if (name == "alnum") return std::isalnum(byte) != 0;
  if (name == "alpha") return std::isalpha(byte) != 0;
  if (name == "blank") return byte == ' ' || byte == '\t';
  if (name == "cntrl") return std::iscntrl(byte) != 0;
  if (name == "digit") return std::isdigit(byte) != 0;
  if (name == "graph") return std::isgraph(byte) != 0;
  if (name == "lower") return std::islower(byte) != 0;
  if (name == "print") return std::isprint(byte) != 0;
  if (name == "punct") return std::ispunct(byte) != 0;
  if (name == "space") return std::isspace(byte) != 0;
  if (name == "upper") return std::isupper(byte) != 0;
  if (name == "xdigit") return std::isxdigit(byte) != 0;
  return false;
}

constexpr std::string_view class_names[] = {"alnum", "alpha", "blank", "cntrl", "digit", "graph",
                                            "lower", "print", "punct", "space", "upper", "xdigit"};

unsigned char as_byte(char c) { return static_cast<unsigned char>(c); }

}  // namespace

void split_path(std::string_view path, std::vector<std::string_view>& segments) {
  segments.clear();
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
}

void Glob::fail(std::string_view what) const { throw std::invalid_argument(fmt::format("pattern '{}': {}", text_.substr(0, 80), what)); }

Glob::Glob(std::string_view pattern) : text_(pattern) {
  if (pattern.size() > max_bytes) fail(fmt::format("over {} bytes", max_bytes));
  if (pattern.find('\0') != std::string_view::npos) fail("holds a NUL byte");
  if (pattern.starts_with('!')) fail("negation is not supported; write \\! for a name that begins with '!'");
  if (pattern.ends_with('/')) {
    folders_only_ = true;
    pattern.remove_suffix(1);
  }
  if (pattern.starts_with('/')) {
    anchored_ = true;
    pattern.remove_prefix(1);
  }
  if (pattern.empty()) fail("is empty");
  anchored_ = anchored_ || pattern.find('/') != std::string_view::npos;

  std::vector<std::string_view> parts;
  split_path(pattern, parts);
  for (const auto part : parts) {
    if (part.empty()) fail("has an empty segment");
    if (part == "**" && parts.size() > 1) {
      if (segments_.empty() || !segments_.back().any_depth) segments_.push_back({.any_depth = true, .tokens = {}});
    } else {
      segments_.push_back(parse_segment(part));
    }
  }
  // `a/**` is what lies below `a`, not `a` itself: one more segment of any name.
  if (segments_.back().any_depth) segments_.push_back({.any_depth = false, .tokens = {{.kind = Token::Kind::any_run}}});
  if (!anchored_) segments_.insert(segments_.begin(), {.any_depth = true, .tokens = {}});
}

Glob::Segment Glob::parse_segment(std::string_view text) {
  Segment segment;
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '*':
        if (segment.tokens.empty() || segment.tokens.back().kind != Token::Kind::any_run) segment.tokens.push_back({.kind = Token::Kind::any_run});
        break;
      case '?':
        segment.tokens.push_back({.kind = Token::Kind::any_byte});
        break;
      case '[':
        at = parse_set(text, at);
        segment.tokens.push_back({.kind = Token::Kind::set, .byte = 0, .set = sets_.size() - 1});
        break;
      case '\\':
        if (++at == text.size()) fail("ends with a lone backslash");
        [[fallthrough]];
      default:
        segment.tokens.push_back({.kind = Token::Kind::byte, .byte = text[at]});
    }
  }
  return segment;
}

// From the '[' at `at`; gives the position of its ']'. A ']' right after the beginning stands for itself.
std::size_t Glob::parse_set(std::string_view text, std::size_t at) {
  ByteSet set;
  ++at;
  const bool negated = at < text.size() && (text[at] == '!' || text[at] == '^');
  if (negated) ++at;
  const auto literal = [&]() -> unsigned char {
    if (text[at] == '\\' && ++at == text.size()) fail("has a bracket without its end");
    return as_byte(text[at++]);
  };
  for (bool first = true;; first = false) {
    if (at >= text.size()) fail("has a bracket without its end");
    if (text[at] == ']' && !first) break;
    if (text.substr(at, 2) == "[:") {
      const auto end = text.find(":]", at + 2);
      if (end == std::string_view::npos) fail("has a bracket without its end");
      const auto name = text.substr(at + 2, end - at - 2);
      if (std::ranges::find(class_names, name) == std::end(class_names)) fail(fmt::format("knows no class [:{}:]", name));
      for (int byte = 0; byte < 256; ++byte)
        if (in_class(name, byte)) set.set(static_cast<std::size_t>(byte));
      at = end + 2;
      continue;
    }
    const auto low = literal();
    auto high = low;
    if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') {
      ++at;
      high = literal();
    }
    for (int byte = low; byte <= high; ++byte) set.set(static_cast<std::size_t>(byte));
  }
  sets_.push_back(negated ? ~set : set);
  return at;
}

bool Glob::matches_token(const Token& token, char byte) const {
  switch (token.kind) {
    case Token::Kind::byte:
      return token.byte == byte;
    case Token::Kind::any_byte:
      return true;
    case Token::Kind::set:
      return sets_[token.set][as_byte(byte)];
    case Token::Kind::any_run:
      return false;
  }
  return false;
}

bool Glob::matches_segment(const Segment& segment, std::string_view name) const {
  const auto& tokens = segment.tokens;
  std::size_t token = 0;
  std::size_t at = 0;
  Mark run;
  while (at < name.size()) {
    if (token < tokens.size() && tokens[token].kind == Token::Kind::any_run) {
      run = {token++, at};
    } else if (token < tokens.size() && matches_token(tokens[token], name[at])) {
      ++token;
      ++at;
    } else if (run.is_set()) {
      token = run.pattern + 1;
      at = ++run.subject;
    } else {
      return false;
    }
  }
  while (token < tokens.size() && tokens[token].kind == Token::Kind::any_run) ++token;
  return token == tokens.size();
}

bool Glob::matches(const std::vector<std::string_view>& path, Kind kind) const {
  if (folders_only_ && kind != Kind::folder) return false;
  std::size_t segment = 0;
  std::size_t at = 0;
  Mark depth;
  while (at < path.size()) {
    if (segment < segments_.size() && segments_[segment].any_depth) {
      depth = {segment++, at};
    } else if (segment < segments_.size() && matches_segment(segments_[segment], path[at])) {
      ++segment;
      ++at;
    } else if (depth.is_set()) {
      segment = depth.pattern + 1;
      at = ++depth.subject;
    } else {
      return false;
    }
  }
  return segment == segments_.size();
}

bool Glob::may_match_below(const std::vector<std::string_view>& folder) const {
  for (std::size_t at = 0; at < folder.size(); ++at) {
    if (at == segments_.size() || segments_[at].any_depth) return true;
    if (!matches_segment(segments_[at], folder[at])) return false;
  }
  return true;
}

std::string Glob::extension() const {
  const auto& tokens = segments_.back().tokens;
  if (folders_only_ || tokens.size() < 3 || tokens[0].kind != Token::Kind::any_run || tokens[1].byte != '.') return "";
  std::string text;
  for (std::size_t at = 1; at < tokens.size(); ++at) {
    if (tokens[at].kind != Token::Kind::byte) return "";
    text += tokens[at].byte;
  }
  return text;
}

}  // namespace tidemark::ingest
