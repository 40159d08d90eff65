#include "sync/packs.hpp"

#include <git2/odb_backend.h>
#include <git2/sys/repository.h>

#include <fstream>
#include <string>

#include "git/libgit2.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t small_pack_bytes = 16 * 1024 * 1024;

using PackBuilder = std::unique_ptr<git_packbuilder, git::Freed<git_packbuilder_free>>;

// Read by libgit2's pack builder: deltas with little memory, and none of large objects.
constexpr std::string_view packing_config =
    "[pack]\n\twindowMemory = 4m\n\tdeltaCacheSize = 1m\n\tdeltaCacheLimit = 1000\n[core]\n\tbigFileThreshold = 512k\n";

bool is_marked(const fs::path& pack) {
  return fs::exists(fs::path(pack).replace_extension(".keep")) || fs::exists(fs::path(pack).replace_extension(".promisor"));
}

// A repository of the objects alone, with the configuration above.
git::RepositoryHandle repository_for_packing(const fs::path& git_directory) {
  git_odb* odb = nullptr;
  git::check(git_odb_open(&odb, (git_directory / "objects").c_str()), "open the objects of " + git_directory.string());
  const git::OdbHandle odb_handle(odb);
  git_repository* repository = nullptr;
  git::check(git_repository_wrap_odb(&repository, odb), "open the objects of " + git_directory.string());
  git::RepositoryHandle handle(repository);
  const fs::path file = git_directory / "tidemark-packing";
  std::ofstream(file, std::ios::trunc) << packing_config;
  git_config* config = nullptr;
  git::check(git_config_open_ondisk(&config, file.c_str()), "read " + file.string());
  const int code = git_repository_set_config(repository, config);
  git_config_free(config);
  git::check(code, "configure the packing");
  return handle;
}

int insert(const git_oid* id, void* builder) { return git_packbuilder_insert(static_cast<git_packbuilder*>(builder), id, nullptr); }

void insert_objects(git_packbuilder* builder, const fs::path& pack) {
  const fs::path index = fs::path(pack).replace_extension(".idx");
  git_odb* odb = nullptr;
  git::check(git_odb_new(&odb), "read " + index.string());
  const git::OdbHandle handle(odb);
  git_odb_backend* backend = nullptr;
  git::check(git_odb_backend_one_pack(&backend, index.c_str()), "read " + index.string());
  git::check(git_odb_add_backend(odb, backend, 1), "read " + index.string());
  git::check(git_odb_foreach(odb, insert, builder), "list " + index.string());
}

}  // namespace

std::vector<fs::path> small_packs(const fs::path& git_directory) {
  std::vector<fs::path> packs;
  std::error_code error;
  for (fs::directory_iterator entry(git_directory / "objects" / "pack", error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    std::error_code gone;
    if (path.extension() != ".pack" || !fs::exists(fs::path(path).replace_extension(".idx"), gone)) continue;
    const std::uintmax_t size = entry->file_size(gone);
    if (!gone && size <= small_pack_bytes && !is_marked(path)) packs.push_back(path);
  }
  return packs;
}

std::size_t write_one_pack(const fs::path& git_directory, const std::vector<fs::path>& packs) {
  const git::RepositoryHandle repository = repository_for_packing(git_directory);
  git_packbuilder* created = nullptr;
  git::check(git_packbuilder_new(&created, repository.get()), "make a pack");
  const PackBuilder builder(created);
  git_packbuilder_set_threads(created, 1);
  for (const fs::path& pack : packs) insert_objects(created, pack);
  const fs::path folder = git_directory / "objects" / "pack";
  git::check(git_packbuilder_write(created, folder.c_str(), 0444, nullptr, nullptr), "write a pack to " + folder.string());
  const fs::path written = folder / (std::string("pack-") + git_packbuilder_name(created) + ".pack");
  if (!fs::exists(written)) throw git::Error("write a pack to " + folder.string() + ": " + written.string() + " is not there");
  for (const fs::path& pack : packs) {
    if (pack == written) continue;
    // The index first: without it a reader does not begin to use the pack.
    std::error_code ignored;
    fs::remove(fs::path(pack).replace_extension(".idx"), ignored);
    fs::remove(pack, ignored);
  }
  return git_packbuilder_object_count(created);
}

}  // namespace tidemark::sync
