#include "sync/repository/packs.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <string>
#include <utility>

#include "git/object_database.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t large_pack_bytes = 64 * 1024 * 1024;
constexpr std::size_t many_objects = 5'000;

using PackBuilder = std::unique_ptr<git_packbuilder, git::Freed<git_packbuilder_free>>;

// Read by libgit2's pack builder: deltas with little memory, and none of large objects; none at all where the search would take long.
// On the disk before the old packs go.
constexpr std::string_view with_deltas =
    "[pack]\n\twindowMemory = 4m\n\tdeltaCacheSize = 1m\n\tdeltaCacheLimit = 1000\n[core]\n\tbigFileThreshold = 512k\n\tfsyncObjectFiles = true\n";
constexpr std::string_view without_deltas = "[core]\n\tbigFileThreshold = 1\n\tfsyncObjectFiles = true\n";

void configure(git_repository* repository, const fs::path& git_directory, std::string_view text) {
  const fs::path file = git_directory / "tidemark-packing";
  std::ofstream out(file, std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw git::Error("write " + file.string() + " failed");
  git_config* config = nullptr;
  git::check(git_config_open_ondisk(&config, file.c_str()), "read " + file.string());
  const int code = git_repository_set_config(repository, config);
  git_config_free(config);
  git::check(code, "configure the packing");
}

git::RepositoryHandle objects_of(const fs::path& git_directory) {
  git_repository* repository = nullptr;
  git::check(git_repository_wrap_odb(&repository, git::open_database(git_directory / "objects").get()),
             "open the objects of " + git_directory.string());
  return git::RepositoryHandle(repository);
}

int collect(const git_oid* id, void* objects) {
  static_cast<std::vector<git::Oid>*>(objects)->push_back(git::from_git(*id));
  return 0;
}

void add_objects_of(const fs::path& pack, std::vector<git::Oid>& objects) {
  const fs::path index = fs::path(pack).replace_extension(".idx");
  git_odb* odb = nullptr;
  git::check(git_odb_new(&odb), "read " + index.string());
  const git::OdbHandle handle(odb);
  git_odb_backend* backend = nullptr;
  git::check(git_odb_backend_one_pack(&backend, index.c_str()), "read " + index.string());
  git::check(git_odb_add_backend(odb, backend, 1), "read " + index.string());
  git::check(git_odb_foreach(odb, collect, &objects), "list " + index.string());
}

bool is_marked(const fs::path& pack) {
  return fs::exists(fs::path(pack).replace_extension(".keep")) || fs::exists(fs::path(pack).replace_extension(".promisor"));
}

struct PackContents {
  fs::path path;
  std::uintmax_t bytes = 0;
  bool may_go = false;
  std::vector<git::Oid> objects;
};

// At most half of it is needed, and that can be written again in little time.
bool is_prunable(const PackContents& pack, const git::ObjectStore& store, const Reachable& reachable) {
  if (!pack.may_go || std::ranges::all_of(pack.objects, [&](const git::Oid& object) { return reachable.contains(object); })) return false;
  std::uintmax_t needed = 0;
  for (const git::Oid& object : pack.objects) {
    if (reachable.contains(object)) needed += header_of(store, object).size;
    if (needed > std::min(large_pack_bytes, pack.bytes / 2)) return false;
  }
  return true;
}

bool has_objects_below(git_object_t kind, Completeness completeness) {
  return kind == GIT_OBJECT_COMMIT || kind == GIT_OBJECT_TAG || (kind == GIT_OBJECT_TREE && completeness == Completeness::commits_and_trees);
}

void add_what_stays(const std::vector<git::Oid>& objects, const git::ObjectStore& store, const Reachable& reachable, Completeness completeness,
                    std::vector<git::Oid>& roots) {
  for (const git::Oid& object : objects)
    if (!reachable.contains(object) && has_objects_below(header_of(store, object).kind, completeness)) roots.push_back(object);
}

// Lets `check` end libgit2's work: its exception waits here until libgit2 has returned.
struct Progress {
  const std::function<void()>& check;
  std::exception_ptr thrown = {};

  static int indexed(const git_indexer_progress*, void* payload) { return static_cast<Progress*>(payload)->ask(); }
  static int packed(int, std::uint32_t, std::uint32_t, void* payload) { return static_cast<Progress*>(payload)->ask(); }
  int ask() {
    try {
      check();
      return 0;
    } catch (...) {
      thrown = std::current_exception();
      return GIT_EUSER;
    }
  }
};

// Gives the path of the pack.
fs::path build(git_repository* from, const std::vector<git::Oid>& objects, const fs::path& git_directory, const std::function<void()>& check) {
  configure(from, git_directory, objects.size() < many_objects ? with_deltas : without_deltas);
  git_packbuilder* created = nullptr;
  git::check(git_packbuilder_new(&created, from), "make a pack");
  const PackBuilder builder(created);
  git_packbuilder_set_threads(created, 1);
  Progress progress{check};
  git::check(git_packbuilder_set_callbacks(created, Progress::packed, &progress), "make a pack");
  for (const git::Oid& object : objects) {
    const git_oid id = git::to_git(object);
    git::check(git_packbuilder_insert(created, &id, nullptr), "put " + object.hex() + " into a pack");
  }
  const fs::path folder = git_directory / "objects" / "pack";
  const int code = git_packbuilder_write(created, folder.c_str(), 0444, Progress::indexed, &progress);
  if (progress.thrown) std::rethrow_exception(progress.thrown);
  git::check(code, "write a pack to " + folder.string());
  return folder / (std::string("pack-") + git_packbuilder_name(created) + ".pack");
}

}  // namespace

std::vector<fs::path> pack_files(const fs::path& git_directory) {
  std::vector<fs::path> packs;
  std::error_code error;
  for (fs::directory_iterator entry(git_directory / "objects" / "pack", error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".pack" && fs::exists(fs::path(entry->path()).replace_extension(".idx"))) packs.push_back(entry->path());
  }
  return packs;
}

std::vector<fs::path> packs_to_consolidate(const fs::path& git_directory, std::size_t limit) {
  std::vector<std::pair<std::uintmax_t, fs::path>> candidates;
  for (const fs::path& pack : pack_files(git_directory)) {
    if (is_marked(pack)) continue;
    std::error_code gone;
    const std::uintmax_t size = fs::file_size(pack, gone);
    if (!gone && size <= large_pack_bytes) candidates.emplace_back(size, pack);
  }
  if (limit < 2 || candidates.size() < limit) return {};
  std::ranges::sort(candidates);
  std::vector<fs::path> chosen;
  std::uintmax_t total = 0;
  for (const auto& [size, pack] : candidates) {
    // The last of the smallest may be a clone's large pack, with few fetches since.
    const bool is_much_larger = size >= 2 * total && chosen.size() >= limit / 2;
    if (is_much_larger && !chosen.empty()) break;
    chosen.push_back(pack);
    total += size;
  }
  return chosen.size() < 2 ? std::vector<fs::path>{} : chosen;
}

PackUse pack_use(const fs::path& git_directory) {
  PackUse use;
  for (const fs::path& pack : pack_files(git_directory)) {
    std::error_code gone;
    const std::uintmax_t size = fs::file_size(pack, gone);
    if (gone) continue;
    ++use.packs;
    use.bytes += size;
  }
  return use;
}

std::vector<fs::path> with_prunable_packs(const fs::path& git_directory, std::vector<fs::path> packs, const git::ObjectStore& store,
                                          Reachable& reachable, Completeness completeness) {
  std::vector<PackContents> others;
  for (const fs::path& pack : pack_files(git_directory)) {
    if (std::ranges::find(packs, pack) != packs.end()) continue;
    others.push_back({pack, fs::file_size(pack), !is_marked(pack), {}});
    add_objects_of(pack, others.back().objects);
  }
  std::vector<git::Oid> roots;
  add_what_stays(loose_objects(git_directory), store, reachable, completeness, roots);
  // What becomes reachable can only make more packs stay, so it ends.
  while (true) {
    reachable.add(std::exchange(roots, {}));
    std::vector<fs::path> prunable;
    for (const PackContents& pack : others) {
      if (is_prunable(pack, store, reachable))
        prunable.push_back(pack.path);
      else
        add_what_stays(pack.objects, store, reachable, completeness, roots);
    }
    if (!roots.empty()) continue;
    packs.insert(packs.end(), prunable.begin(), prunable.end());
    return packs;
  }
}

std::size_t write_one_pack(const fs::path& git_directory, const std::vector<fs::path>& packs, const Reachable* reachable) {
  std::vector<git::Oid> objects;
  for (const fs::path& pack : packs) add_objects_of(pack, objects);
  if (reachable != nullptr) std::erase_if(objects, [&](const git::Oid& object) { return !reachable->contains(object); });
  std::ranges::sort(objects);
  const auto doubles = std::ranges::unique(objects);
  objects.erase(doubles.begin(), doubles.end());
  fs::path written;
  if (!objects.empty()) {
    const git::RepositoryHandle repository = objects_of(git_directory);
    written = build(repository.get(), objects, git_directory, [] {});
    if (!fs::exists(written) || !fs::exists(fs::path(written).replace_extension(".idx")))
      throw git::Error("write " + written.string() + ": it is not there");
  }
  for (const fs::path& pack : packs) {
    if (pack == written) continue;
    // The index first: without it a reader does not begin to use the pack.
    std::error_code ignored;
    fs::remove(fs::path(pack).replace_extension(".idx"), ignored);
    fs::remove(pack, ignored);
  }
  return objects.size();
}

void write_pack(git_repository* from, const std::vector<git::Oid>& objects, const fs::path& git_directory, const std::function<void()>& check) {
  if (!objects.empty()) build(from, objects, git_directory, check);
}

}  // namespace tidemark::sync
