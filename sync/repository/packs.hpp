// The packs of a repository: which there are, writing one, making one of many. Internal to sync/.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "git/libgit2.hpp"

namespace tidemark::sync {

// The .pack files that have an index.
std::vector<std::filesystem::path> pack_files(const std::filesystem::path& git_directory);

// Which packs to make one of, so that fewer than `limit` remain and each byte is rewritten only a few times: the smallest `limit`, and the next ones
// while they are less than twice as large as those before them together. Empty when there are fewer. Marked (.keep, .promisor) and large packs stay.
std::vector<std::filesystem::path> packs_to_consolidate(const std::filesystem::path& git_directory, std::size_t limit);

// Writes one pack with the objects of `packs`, then removes these: a reader finds each object at every moment. Gives the number of objects. Throws
// git::Error, and then nothing is removed.
std::size_t write_one_pack(const std::filesystem::path& git_directory, const std::vector<std::filesystem::path>& packs);

// Writes `objects` of `from`, a repository without a configuration, as one pack that appears whole. `check` is called often and may throw.
void write_pack(git_repository* from, const std::vector<git::Oid>& objects, const std::filesystem::path& git_directory,
                const std::function<void()>& check);

}  // namespace tidemark::sync
