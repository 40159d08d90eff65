#include "git/tree_reader.hpp"

#include <algorithm>
#include <optional>

namespace tidemark::git {

namespace {

// `text` reads ".git" in any case, which no git checks out.
bool is_dot_git(std::string_view text) {
  constexpr std::string_view dot_git = ".git";
  return text.size() == dot_git.size() &&
         std::equal(text.begin(), text.end(), dot_git.begin(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

// The octal digits before the space; at most six of them after leading zeros, which old programs wrote.
std::optional<std::uint32_t> parse_mode(std::string_view digits) {
  std::uint32_t mode = 0;
  if (digits.empty() || digits.size() > 7) return std::nullopt;
  for (const char c : digits) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
  }
  return mode;
}

// Permissions are reduced to git's two, as it does itself: old commits have 0100664.
bool set_mode(std::uint32_t raw, TreeEntry& entry) {
  constexpr std::uint32_t type_mask = 0170000;
  constexpr std::uint32_t owner_may_execute = 0100;
  entry.is_tree = false;
  entry.entry.mode = Mode::file;
  switch (raw & type_mask) {
    case 0040000: entry.is_tree = true; return true;
    case 0100000:
      if (raw & owner_may_execute) entry.entry.mode = Mode::executable;
      return true;
    case 0120000: entry.entry.mode = Mode::symlink; return true;
    case 0160000: entry.entry.mode = Mode::submodule; return true;
    default: return false;
  }
}

}  // namespace

int compare_in_tree(const TreeEntry& left, const TreeEntry& right) {
  const std::size_t common = std::min(left.name.size(), right.name.size());
  if (const int order = left.name.substr(0, common).compare(right.name.substr(0, common)); order != 0) return order;
  const auto byte_after = [common](const TreeEntry& entry) -> int {
    if (entry.name.size() > common) return static_cast<unsigned char>(entry.name[common]);
    return entry.is_tree ? '/' : 0;
  };
  return byte_after(left) - byte_after(right);
}

TreeReader::TreeReader(const ObjectStore& store, const Oid& tree, WalkBudget& budget)
    : tree_(tree), budget_(budget), object_(read_object(store.database(), tree, GIT_OBJECT_TREE, budget.open_bytes)), rest_(bytes_of(object_)) {
  if (budget_.trees-- == 0) throw Malformed("more than " + std::to_string(max_walked_trees) + " folders below one tree");
  if (!rest_.empty()) {
    parse();
  } else {
    at_end_ = true;
  }
  budget_.open_bytes -= bytes_of(object_).size();
}

TreeReader::~TreeReader() { budget_.open_bytes += bytes_of(object_).size(); }

void TreeReader::next() {
  const TreeEntry previous = entry_;
  if (rest_.empty()) {
    at_end_ = true;
    return;
  }
  parse();
  check_order(previous);
}

void TreeReader::parse() {
  if (budget_.entries-- == 0) throw Malformed("more than " + std::to_string(max_walked_entries) + " entries below one tree");
  const std::size_t space = rest_.substr(0, 8).find(' ');
  if (space == std::string_view::npos) fail("has an entry without a mode");
  const auto mode = parse_mode(rest_.substr(0, space));
  if (!mode || !set_mode(*mode, entry_)) fail("has an entry of the unknown mode " + std::string(rest_.substr(0, space)));
  rest_.remove_prefix(space + 1);
  const std::size_t end = rest_.find('\0');
  if (end == std::string_view::npos || rest_.size() - end - 1 < Oid::size) fail("is cut off");
  entry_.name = rest_.substr(0, end);
  entry_.entry.oid = Oid::from_raw(reinterpret_cast<const unsigned char*>(rest_.data() + end + 1));
  rest_.remove_prefix(end + 1 + Oid::size);
  check_name();
}

void TreeReader::check_name() const {
  const std::string_view name = entry_.name;
  if (name.empty()) fail("has an entry without a name");
  if (name == "." || name == ".." || is_dot_git(name) || name.find('/') != std::string_view::npos) {
    fail("has an entry named '" + std::string(name.substr(0, 200)) + "'");
  }
}

// Order alone does not find a folder that bears a file's name, as "a.txt" comes between "a" and "a/": each such file is in shadowed_.
void TreeReader::check_order(const TreeEntry& previous) {
  if (compare_in_tree(previous, entry_) >= 0) fail("has its entries out of order or twice");
  if (!previous.is_tree) shadowed_.push_back(previous.name);
  while (!shadowed_.empty() && !entry_.name.starts_with(shadowed_.back())) shadowed_.pop_back();
  if (!entry_.is_tree) return;
  // All of shadowed_ begin this name and each other; the longest comes last.
  if (!shadowed_.empty() && shadowed_.back() == entry_.name) fail("has a file and a folder of one name");
}

void TreeReader::fail(const std::string& reason) const { throw Malformed("tree " + tree_.hex() + " " + reason); }

}  // namespace tidemark::git
