// The packs of a repository: which there are, writing one, making one of many. Internal to sync/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "git/libgit2.hpp"
#include "sync/repository/reachable.hpp"

namespace tidemark::sync {

// The .pack files that have an index.
std::vector<std::filesystem::path> pack_files(const std::filesystem::path& git_directory);

// Which packs to make one of, so that fewer than `limit` remain and each byte is rewritten only a few times: the smallest `limit`, and the next ones
// while they are less than twice as large as those before them together. Empty when there are fewer. Marked (.keep, .promisor) and large packs stay.
std::vector<std::filesystem::path> packs_to_consolidate(const std::filesystem::path& git_directory, std::size_t limit);

// How many packs there are, and how large they are together.
struct PackUse {
  std::size_t packs = 0;
  std::uintmax_t bytes = 0;
};
PackUse pack_use(const std::filesystem::path& git_directory);

// What objects that stay need, besides the trees below commits. Only a remote on this machine makes the packs themselves: there a tree that is here
// counts as complete. The packs of the others hold single trees of older commits, which nobody asks for.
enum class Completeness { commits, commits_and_trees };

// `packs`, and those that can go because nothing in them is reachable, or so little that it is quickly written again. Marked ones stay. What is
// reachable from the objects of those that stay, and from loose ones, is added to `reachable`: nothing that stays loses what is below it, so that it
// is complete should a ref name it again. Throws git::Error.
std::vector<std::filesystem::path> with_prunable_packs(const std::filesystem::path& git_directory, std::vector<std::filesystem::path> packs,
                                                       const git::ObjectStore& store, Reachable& reachable, Completeness completeness);

// Writes one pack with the objects of `packs`, of them only what is `reachable` if that is known, then removes these: a reader finds each object at
// every moment. Gives the number of objects. Throws git::Error, and then nothing is removed.
std::size_t write_one_pack(const std::filesystem::path& git_directory, const std::vector<std::filesystem::path>& packs,
                           const Reachable* reachable = nullptr);

// Writes `objects` of `from`, a repository without a configuration, as one pack that appears whole. `check` is called often and may throw.
void write_pack(git_repository* from, const std::vector<git::Oid>& objects, const std::filesystem::path& git_directory,
                const std::function<void()>& check);

}  // namespace tidemark::sync
