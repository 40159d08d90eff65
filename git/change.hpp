// An entry of a tree, and what happened to one path between two trees.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "git/oid.hpp"

namespace tidemark::git {

// git's file modes (gitformat-index(5)): trees are walked into, never reported.
enum class Mode : std::uint32_t { file = 0100644, executable = 0100755, symlink = 0120000, submodule = 0160000 };

struct Entry {
  Mode mode = Mode::file;
  Oid oid;
  bool is_file() const { return mode == Mode::file || mode == Mode::executable; }
  bool operator==(const Entry&) const = default;
};

// Added: no `before`. Removed: no `after`. Modified: both. A rename is a removal and an addition.
struct Change {
  std::string path;  // bytes, '/'-separated, without a leading slash
  std::optional<Entry> before;
  std::optional<Entry> after;
  bool operator==(const Change&) const = default;
};

}  // namespace tidemark::git
