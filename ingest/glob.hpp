// One pattern of gitignore(5), without its negation: compiled once, matched in time bounded by pattern times path, whatever the pattern is.
#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::ingest {

class Glob {
 public:
  static constexpr std::size_t max_bytes = 1'024;

  // Throws std::invalid_argument naming the pattern and what is wrong with it: empty, too long, a NUL, a bracket without end, a lone backslash at the
  // end, a leading `!`.
  explicit Glob(std::string_view pattern);

  enum class Kind { file, folder };
  // The path itself; what lies below a matching folder is the caller's to conclude. `segments` is the path split at '/'.
  bool matches(const std::vector<std::string_view>& segments, Kind kind) const;
  // Could this folder, or anything below it, match?
  bool may_match_below(const std::vector<std::string_view>& folder) const;

  const std::string& text() const { return text_; }
  bool folders_only() const { return folders_only_; }
  // ".txt" for a pattern whose last segment is `*.txt`, else "".
  std::string extension() const;

 private:
  struct Token {
    enum class Kind { byte, any_byte, any_run, set } kind;
    char byte = 0;
    std::size_t set = 0;  // index in sets_
  };
  struct Segment {
    bool any_depth = false;  // `**`
    std::vector<Token> tokens;
  };

  Segment parse_segment(std::string_view text);
  std::size_t parse_set(std::string_view text, std::size_t at);
  bool matches_segment(const Segment& segment, std::string_view name) const;
  bool matches_token(const Token& token, char byte) const;
  [[noreturn]] void fail(std::string_view what) const;

  std::string text_;
  bool anchored_ = false;
  bool folders_only_ = false;
  std::vector<Segment> segments_;
  std::vector<std::bitset<256>> sets_;
};

// "a/b/c" -> a, b, c; the views are into `path`.
void split_path(std::string_view path, std::vector<std::string_view>& segments);

}  // namespace tidemark::ingest
