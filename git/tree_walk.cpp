// The trees from the root to the present folder stay open; what git's order within a tree gives is the byte order of whole paths.
#include "git/tree_walk.hpp"

#include <deque>
#include <string>
#include <vector>

#include "git/path_stack.hpp"
#include "git/tree_reader.hpp"

namespace tidemark::git {

void walk_tree(const ObjectStore& store, const Oid& tree, const std::function<bool(std::string_view path)>& enter,
               const std::function<bool(std::string_view path, const Entry& entry)>& visit) {
  WalkBudget budget;
  PathStack path;
  std::deque<TreeReader> readers;
  readers.emplace_back(store, tree, budget);
  bool descended = true;  // the front entry of the innermost reader was not handled yet
  while (true) {
    TreeReader& reader = readers.back();
    if (!descended) reader.next();
    descended = false;
    if (reader.at_end()) {
      readers.pop_back();
      if (readers.empty()) return;
      path.leave();
      continue;
    }
    const TreeEntry& entry = reader.entry();
    const std::string_view full = path.with(entry.name);
    if (!entry.is_tree) {
      if (!visit(full, entry.entry)) return;
    } else if (!enter || enter(full)) {
      path.enter(entry.name);
      readers.emplace_back(store, entry.entry.oid, budget);
      descended = true;
    }
  }
}

void walk_trees(const ObjectStore& store, const Oid& tree, const std::function<bool(const Oid& tree)>& enter, const std::function<void(const Oid& blob)>& visit) {
  WalkBudget budget;
  std::vector<Oid> waiting{tree};
  while (!waiting.empty()) {
    const Oid next = waiting.back();
    waiting.pop_back();
    for (TreeReader reader(store, next, budget); !reader.at_end(); reader.next()) {
      const TreeEntry& entry = reader.entry();
      if (!entry.is_tree) {
        if (entry.entry.mode != Mode::submodule) visit(entry.entry.oid);
      } else if (enter(entry.entry.oid)) {
        waiting.push_back(entry.entry.oid);
      }
    }
  }
}

std::optional<Entry> find_entry(const ObjectStore& store, const Oid& tree, std::string_view path) {
  WalkBudget budget;
  Oid folder = tree;
  for (std::size_t depth = 0; depth < max_tree_depth; ++depth) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    TreeReader reader(store, folder, budget);
    while (!reader.at_end() && reader.entry().name != name) reader.next();
    if (reader.at_end()) return std::nullopt;
    if (slash == std::string_view::npos) return reader.entry().is_tree ? std::nullopt : std::optional(reader.entry().entry);
    if (!reader.entry().is_tree) return std::nullopt;
    folder = reader.entry().entry.oid;
    path.remove_prefix(slash + 1);
  }
  return std::nullopt;
}

}  // namespace tidemark::git
