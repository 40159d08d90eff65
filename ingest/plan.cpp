#include "ingest/plan.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include "git/tree_diff.hpp"
#include "git/tree_walk.hpp"
#include "ingest/fingerprint.hpp"
#include "parser/document.hpp"

namespace tidemark::ingest {

namespace {

void append_length(std::string& block, std::size_t length) {
  const auto value = static_cast<std::uint32_t>(length);
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  block.append(raw, sizeof value);
}

std::size_t read_length(std::string_view block, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, block.data() + at, sizeof value);
  return value;
}

// Enough of a fingerprint to tell contents apart when removals are counted.
std::uint64_t abbreviate(std::string_view fingerprint) {
  std::uint64_t value = 0;
  std::memcpy(&value, fingerprint.data(), sizeof value);
  return value;
}

bool is_wanted(const std::optional<git::Entry>& entry, bool path_is_wanted) { return path_is_wanted && entry && entry->is_file(); }

}  // namespace

void RecordList::append(std::string_view fixed, std::string_view first, std::string_view second) {
  const auto bytes = fixed.size() + 2 * sizeof(std::uint32_t) + first.size() + second.size();
  if (blocks_.empty() || blocks_.back().size() + bytes > blocks_.back().capacity()) blocks_.emplace_back().reserve(std::max(block_bytes, bytes));
  auto& block = blocks_.back();
  block += fixed;
  append_length(block, first.size());
  append_length(block, second.size());
  block += first;
  block += second;
  ++count_;
}

void RecordList::for_each(std::size_t fixed_size, const std::function<bool(std::string_view, std::string_view, std::string_view)>& visit) const {
  for (const std::string_view block : blocks_) {
    for (std::size_t at = 0; at < block.size();) {
      const auto fixed = block.substr(at, fixed_size);
      at += fixed_size;
      const auto first_size = read_length(block, at);
      const auto second_size = read_length(block, at + sizeof(std::uint32_t));
      at += 2 * sizeof(std::uint32_t);
      if (!visit(fixed, block.substr(at, first_size), block.substr(at + first_size, second_size))) return;
      at += first_size + second_size;
    }
  }
}

void Plan::upsert(std::string_view path, const git::Oid& oid) { upserts_.append(oid.bytes(), path, ""); }

void Plan::remove(const DocumentKey& key, const Fingerprint& fingerprint) { removals_.append(fingerprint.bytes(), key.path, key.fragment); }

void Plan::for_each_upsert(const std::function<bool(std::string_view, const git::Oid&)>& visit) const {
  upserts_.for_each(git::Oid::size,
                    [&](std::string_view oid, std::string_view path, std::string_view) { return visit(path, *git::Oid::from_bytes(oid)); });
}

void Plan::for_each_removal(const std::function<bool(const DocumentKey&)>& visit) const {
  removals_.for_each(Fingerprint::size, [&](std::string_view, std::string_view path, std::string_view fragment) {
    return visit({std::string(path), std::string(fragment)});
  });
}

std::int64_t Plan::losses() const {
  std::unordered_set<std::uint64_t> arriving;
  for_each_upsert([&](std::string_view, const git::Oid& oid) {
    arriving.insert(abbreviate(fingerprint_of(oid, parser::version, document_settings_).bytes()));
    return true;
  });
  std::int64_t losses = 0;
  removals_.for_each(Fingerprint::size, [&](std::string_view fingerprint, std::string_view, std::string_view) {
    losses += arriving.contains(abbreviate(fingerprint)) ? 0 : 1;
    return true;
  });
  return losses;
}

Plan plan_diff(const git::ObjectStore& store, const git::Oid& from_tree, const git::Oid& to_tree, const Selection& selection) {
  const auto document_settings = selection.document_settings();
  Plan plan(document_settings);
  git::diff_trees(store, from_tree, to_tree, [&](const git::Change& change) {
    ++plan.examined;
    const bool path_is_wanted = selection.wants(change.path);
    const bool before = is_wanted(change.before, path_is_wanted);
    const bool after = is_wanted(change.after, path_is_wanted);
    if (after && !(before && change.before->oid == change.after->oid)) plan.upsert(change.path, change.after->oid);
    if (before && !after) plan.remove({change.path, ""}, fingerprint_of(change.before->oid, parser::version, document_settings));
    return true;
  });
  return plan;
}

void for_each_wanted(const git::ObjectStore& store, const git::Oid& tree, const Selection& selection,
                     const std::function<bool(std::string_view, const git::Oid&)>& visit) {
  git::walk_tree(
      store, tree, [&](std::string_view folder) { return selection.enters(folder); },
      [&](std::string_view path, const git::Entry& entry) { return !entry.is_file() || !selection.wants(path) || visit(path, entry.oid); });
}

}  // namespace tidemark::ingest
