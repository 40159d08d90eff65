// Random trees and edits of them, from a seed: odd paths, every mode, files that become folders and back.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "support/git_repository.hpp"

namespace tidemark::testing {

class RandomTree {
 public:
  explicit RandomTree(std::uint32_t seed) : random_(seed) {}

  const Tree& tree() const { return tree_; }

  // A few edits; mostly small, sometimes everything.
  void edit() {
    if (below(25) == 0) tree_.clear();
    const std::size_t edits = 1 + below(below(4) == 0 ? 60 : 6);
    for (std::size_t i = 0; i < edits; ++i) {
      if (tree_.empty() || below(3) > 0) {
        put(new_path());
      } else if (below(2) == 0) {
        tree_.erase(any());
      } else {
        put(any()->first);
      }
    }
  }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

  Tree::iterator any() { return std::next(tree_.begin(), static_cast<std::ptrdiff_t>(below(tree_.size()))); }

  // Names that sort around '/' (0x2f), that git would quote, that are no UTF-8, and twins in case and normal form.
  std::string name() {
    static const std::vector<std::string> names = {
        "a", "a-b", "a.b", "a0", "ab", "A", "b", "b ", "-b", "c\"d", "c\td", "c\nd", "日本", "計算機.md", "\xff\xfe", "\x80", "é", "e\xcc\x81", ":(glob)", "*", "\\", "\x01",
        "z", "z.md", "z.", ".z", "...", "~1", "con"};
    return names[below(names.size())];
  }

  std::string new_path() {
    std::string path = name();
    while (below(2) == 0) path += "/" + name();
    return path;
  }

  // A path excludes those that it makes a folder of and those below it.
  void put(const std::string& path) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) tree_.erase(path.substr(0, slash));
    const auto below_it = tree_.lower_bound(path + "/");
    auto end = below_it;
    while (end != tree_.end() && end->first.starts_with(path + "/")) ++end;
    tree_.erase(below_it, end);
    switch (below(10)) {
      case 0: tree_[path] = {"100755", content()}; break;
      case 1: tree_[path] = {"120000", "target" + content()}; break;
      case 2: tree_[path] = {"160000", std::string(39, 'a') + std::to_string(below(10))}; break;
      default: tree_[path] = {"100644", content()};
    }
  }

  std::string content() { return below(5) == 0 ? "" : std::to_string(below(50)); }

  std::mt19937 random_;
  Tree tree_;
};

}  // namespace tidemark::testing
