// Which files of a revision are checked out: the patterns of a sparse checkout that is not in cone mode (git-sparse-checkout(1)), in the syntax of
// gitignore(5). The last pattern that matches a path decides; where none does, the folder above it decides; at the top nothing is wanted. Pure.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::sync {

class SparsePatterns {
 public:
  static constexpr std::size_t max_bytes = 1024 * 1024;

  // Any text is taken; a pattern that git can't read either (an open bracket) matches nothing.
  explicit SparsePatterns(std::string_view text);

  const std::string& text() const { return text_; }
  // Equal for equal patterns.
  const std::string& fingerprint() const { return fingerprint_; }

  // What the patterns say of the path itself, or nothing. A submodule is no folder, as with git where it was not checked out yet.
  std::optional<bool> decide(std::string_view path, bool is_folder) const;
  // The whole answer, of a file.
  bool wants(std::string_view path) const;

 private:
  // `*` stays within a folder; `folders` is none or more of them, each with its slash; `anything` is what a last `**` stands for.
  enum class Kind { character, any_character, set, star, folders, anything };
  struct Token {
    Kind kind = Kind::character;
    char character = 0;
    std::bitset<256> set = {};
  };
  struct Pattern {
    bool wants = true;
    bool folders_only = false;
    bool names_only = false;  // no slash in it: the last part of a path is compared
    std::vector<Token> tokens;
  };

  void add_line(std::string_view line);
  static std::optional<std::vector<Token>> tokens_of(std::string_view pattern, bool names_only);
  static std::optional<std::bitset<256>> take_set(std::string_view pattern, std::size_t& at);
  static bool matches(const std::vector<Token>& tokens, std::string_view text);

  std::string text_;
  std::string fingerprint_;
  std::vector<Pattern> patterns_;
};

// The answers for the files of a walk in byte order, with the folders above it asked once each.
class SparseWalk {
 public:
  explicit SparseWalk(const SparsePatterns& patterns) : patterns_(patterns) {}
  bool wants(std::string_view path);

 private:
  const SparsePatterns& patterns_;
  std::string folder_;
  std::vector<std::pair<std::size_t, bool>> levels_;  // where a folder's path ends, and whether it is wanted
};

}  // namespace tidemark::sync
