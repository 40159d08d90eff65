// A merge of two trees in git's order, recursively. A folder and a file of one name are two keys ("a/" and "a"), so a file that became a folder
// needs no case of its own.
#include "git/tree_diff.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "git/path_stack.hpp"
#include "git/tree_reader.hpp"

namespace tidemark::git {

namespace {

// One folder on both sides, or on one of them.
struct Folder {
  std::optional<TreeReader> from;
  std::optional<TreeReader> to;
};

const TreeEntry* front(const std::optional<TreeReader>& reader) { return reader && !reader->at_end() ? &reader->entry() : nullptr; }

std::optional<Entry> as_entry(const TreeEntry* entry) { return entry ? std::optional(entry->entry) : std::nullopt; }

class Diff {
 public:
  Diff(const ObjectStore& store, const std::function<bool(const Change&)>& visit) : store_(store), visit_(visit) {}

  void run(const Oid& from, const Oid& to) {
    open(&from, &to);
    while (!folders_.empty()) {
      Folder& folder = folders_.back();
      const TreeEntry* before = front(folder.from);
      const TreeEntry* after = front(folder.to);
      if (!before && !after) {
        folders_.pop_back();
        if (!folders_.empty()) close();
        continue;
      }
      if (before && after) {
        const int order = compare_in_tree(*before, *after);
        if (order < 0) after = nullptr;
        if (order > 0) before = nullptr;
      }
      const bool equal = before && after && before->entry == after->entry;
      if (!equal && (before ? before : after)->is_tree) {
        descend(before, after);
      } else {
        if (!equal && !report(before, after)) return;
        advance(before, after);
      }
    }
  }

 private:
  void open(const Oid* from, const Oid* to) {
    Folder& folder = folders_.emplace_back();
    if (from) folder.from.emplace(store_, *from, budget_);
    if (to) folder.to.emplace(store_, *to, budget_);
  }

  // The entry stays the present one of its folder until the folder below is done.
  void descend(const TreeEntry* before, const TreeEntry* after) {
    path_.enter((before ? before : after)->name);
    open(before ? &before->entry.oid : nullptr, after ? &after->entry.oid : nullptr);
    sides_.push_back({before != nullptr, after != nullptr});
  }

  void close() {
    path_.leave();
    const auto [had_before, had_after] = sides_.back();
    sides_.pop_back();
    if (had_before) folders_.back().from->next();
    if (had_after) folders_.back().to->next();
  }

  void advance(const TreeEntry* before, const TreeEntry* after) {
    if (before) folders_.back().from->next();
    if (after) folders_.back().to->next();
  }

  bool report(const TreeEntry* before, const TreeEntry* after) {
    return visit_(Change{std::string(path_.with((before ? before : after)->name)), as_entry(before), as_entry(after)});
  }

  struct Sides {
    bool before;
    bool after;
  };

  const ObjectStore& store_;
  const std::function<bool(const Change&)>& visit_;
  WalkBudget budget_;
  PathStack path_;
  std::deque<Folder> folders_;
  std::vector<Sides> sides_;  // of each open folder but the root
};

}  // namespace

void diff_trees(const ObjectStore& store, const Oid& from_tree, const Oid& to_tree, const std::function<bool(const Change&)>& visit) {
  if (from_tree == to_tree) return;
  Diff(store, visit).run(from_tree, to_tree);
}

}  // namespace tidemark::git
