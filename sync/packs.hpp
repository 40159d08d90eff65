// The small packs that fetches leave, and making one of them. Internal to sync/.
#pragma once

#include <filesystem>
#include <vector>

namespace tidemark::sync {

// The .pack files of at most 16 MiB, without those that somebody marked to be kept.
std::vector<std::filesystem::path> small_packs(const std::filesystem::path& git_directory);

// Writes one pack with the objects of `packs`, then removes these: a reader finds each object at every moment. Gives the number of objects. Throws git::Error, and then nothing is removed.
std::size_t write_one_pack(const std::filesystem::path& git_directory, const std::vector<std::filesystem::path>& packs);

}  // namespace tidemark::sync
