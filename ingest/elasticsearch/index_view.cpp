#include "ingest/elasticsearch/index_view.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::ingest::elasticsearch {

namespace {

bool is_ours(const PhysicalIndex& index, const IndexNames& names) {
  return names.parse(index.name) && index.meta && index.meta->alias == names.alias() && index.meta->source == names.source() &&
         index.meta->physical == index.name;
}

// Somebody's renamed copy of an index of ours: left alone, but not in front of readers.
bool is_copy(const PhysicalIndex& index, const IndexNames& names) {
  return index.meta && index.meta->alias == names.alias() && index.meta->source == names.source() && index.meta->physical != index.name;
}

std::string drift_of(const PhysicalIndex& live, const std::vector<PhysicalIndex>& indexes, const IndexNames& names) {
  const auto write_alias = IndexNames::write_alias(live.name);
  if (!live.aliases.contains(names.alias())) return "the alias " + names.alias() + " was taken away from " + live.name;
  if (!live.aliases.contains(write_alias)) return "the alias " + write_alias + " is gone";
  for (const auto& other : indexes) {
    if (other.name == live.name) continue;
    if (other.aliases.contains(write_alias)) return other.name + " bears the alias " + write_alias + ", too";
    const bool of_this_source = names.parse(other.name) || is_copy(other, names);
    if (of_this_source && other.aliases.contains(names.alias())) return other.name + " bears the alias " + names.alias() + ", too";
  }
  return "";
}

}  // namespace

IndexView view_of(const std::vector<PhysicalIndex>& indexes, const IndexNames& names) {
  IndexView view;
  std::vector<PhysicalIndex> ours;
  for (const auto& index : indexes) {
    if (index.name == names.alias()) view.name_taken = true;
    if (is_ours(index, names)) ours.push_back(index);
  }
  std::ranges::sort(ours, {}, [&](const PhysicalIndex& index) { return names.parse(index.name)->unique; });

  const auto last_with = [&](const auto& has) {
    const auto found = std::find_if(ours.rbegin(), ours.rend(), has);
    return found == ours.rend() ? std::optional<PhysicalIndex>() : *found;
  };
  view.live = last_with([&](const PhysicalIndex& index) { return index.aliases.contains(names.alias()); });
  if (!view.live) view.live = last_with([](const PhysicalIndex& index) { return index.aliases.contains(IndexNames::write_alias(index.name)); });

  for (auto& index : ours) {
    if (view.live && index.name == view.live->name) continue;
    if (index.aliases.contains(IndexNames::fill_alias(index.name))) {
      view.fills.push_back(std::move(index));
    } else if (!index.aliases.contains(names.alias())) {
      view.dead.push_back(std::move(index));
    }
  }
  if (view.live) view.drift = drift_of(*view.live, indexes, names);
  return view;
}

}  // namespace tidemark::ingest::elasticsearch
