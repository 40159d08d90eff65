#include "sync/repository/submodules.hpp"

#include <algorithm>
#include <utility>

#include "daemon/error.hpp"
#include "git/tree_walk.hpp"
#include "sync/publish/files.hpp"
#include "sync/remote/fetcher.hpp"
#include "sync/remote/ref_check.hpp"
#include "sync/remote/remote_url.hpp"
#include "sync/repository/repository.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kept_revisions = 16;
constexpr std::size_t max_folder_bytes = 200;
constexpr const char* scratch_name = ".gitmodules";
constexpr const char* removed_prefix = ".removed-";

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; }

std::string encoded(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool hides = c == '.' && text.empty();  // names that begin with a '.' are ours
    if (is_plain(c) && !hides)
      text += c;
    else
      text += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return text;
}

std::string digest(std::string_view text) {
  git_oid id = {};
  git::check(git_odb_hash(&id, text.data(), text.size(), GIT_OBJECT_BLOB), "hash a name");
  return git::from_git(id).hex();
}

bool is_there(const fs::path& git_directory, const git::Oid& commit) {
  if (!fs::exists(git_directory)) return false;
  try {
    const git::ObjectStore store(git_directory);
    return store.contains(commit) && store.revision(commit).commit == commit;
  } catch (const git::Error&) {
    return false;  // opening it for a fetch finds out more
  }
}

bool is_damaged(const fs::path& git_directory, const git::Oid& commit) {
  return git::ObjectStore(git_directory).contains(commit) && !is_there(git_directory, commit);
}

// Throws git::Error when it fails because of what is here.
void fetch_or_find_damage(Fetcher& fetcher, const RemoteRef& ref, const Repository& repository, const std::stop_token& stop) {
  try {
    fetcher.fetch(ref, stop);
  } catch (const TransientError&) {
    check_refs(repository.get());
    throw;
  }
}

// That are published, or on their way: each has a record here and in the superproject's repository, where it comes first and goes last.
bool has_trees(const fs::path& git_directory, const fs::path& of_superproject) {
  std::error_code error;
  for (fs::directory_iterator entry(git_directory / "worktrees", error), end; !error && entry != end; entry.increment(error))
    if (fs::exists(of_superproject / "worktrees" / entry->path().filename())) return true;
  return false;
}

}  // namespace

std::string submodule_folder(std::string_view outer, std::string_view name) {
  std::string folder = (outer.empty() ? "" : std::string(outer) + "+") + encoded(name);
  if (folder.size() <= max_folder_bytes) return folder;
  const std::string rest = "+" + digest(folder);
  return folder.substr(0, max_folder_bytes - rest.size()) + rest;
}

std::vector<TreePart> tree_parts(const git::ObjectStore& superproject, const git::Revision& revision, const fs::path& git_directory,
                                 const std::vector<SubmoduleTree>& submodules) {
  std::vector<TreePart> parts{{"", &superproject, revision, git_directory}};
  for (const auto& submodule : submodules) parts.push_back({submodule.path, submodule.store.get(), submodule.revision, submodule.git_directory});
  return parts;
}

// A tree that may have submodules.
struct Submodules::Parent {
  const git::ObjectStore& store;
  const git::Revision& revision;
  std::string path;    // "" for the superproject
  std::string folder;  // likewise
  std::string url;
  std::size_t nesting = 0;
};

struct Submodules::Wanted {
  std::string path;
  std::string folder;
  git::Oid commit;
  std::string url;
  std::int64_t depth = 0;
};

struct Submodules::Pass {
  std::stop_token stop;
  std::size_t count = 0;
  std::vector<SubmoduleTree> trees = {};
};

Submodules::Submodules(const SyncSettings& settings, fs::path git_directory, Network& network, Log& log)
    : settings_(settings), folder_(std::move(git_directory) / "modules"), network_(network), log_(log), janitor_(log) {}

std::vector<SubmoduleTree> Submodules::bring(const git::ObjectStore& superproject, const git::Revision& revision, std::stop_token stop) {
  Pass pass{std::move(stop)};
  if (settings_.submodules != SubmoduleNesting::off && settings_.checkout != Checkout::none)
    bring_below({superproject, revision, "", "", settings_.repo}, pass);
  used_.clear();
  for (const auto& tree : pass.trees) used_.insert_or_assign(tree.git_directory.filename(), tree.revision.commit);
  return std::move(pass.trees);
}

void Submodules::bring_below(const Parent& parent, Pass& pass) {
  for (const Wanted& wanted : wanted(parent, pass)) {
    if (parent.nesting == max_nesting) {
      throw StalledError("submodule '" + wanted.path + "': submodules are nested more than " + std::to_string(max_nesting) +
                         " deep; use --submodules=shallow or off");
    }
    pass.trees.push_back(bring_one(wanted, pass.stop));
    if (settings_.submodules == SubmoduleNesting::shallow) continue;
    const git::ObjectStore& store = *pass.trees.back().store;
    const git::Revision revision = pass.trees.back().revision;
    bring_below({store, revision, wanted.path, wanted.folder, wanted.url, parent.nesting + 1}, pass);
  }
}

Gitmodules Submodules::gitmodules(const Parent& parent) const {
  const auto entry = git::find_entry(parent.store, parent.revision.tree, ".gitmodules");
  if (!entry || !entry->is_file()) return {};  // git does not follow a link there either
  if (parent.store.blob_size(entry->oid) > static_cast<std::int64_t>(Gitmodules::max_bytes))
    throw StalledError("the .gitmodules of " + (parent.path.empty() ? "the repository" : "submodule '" + parent.path + "'") + " has more than 2 MiB");
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw TransientError("make " + folder_.string() + ": " + error.message() + "; check that --root can be written and is not full");
  Gitmodules modules;
  parent.store.read_blob(entry->oid, [&](std::string_view text) { modules = Gitmodules::parse(text, folder_ / scratch_name); });
  return modules;
}

std::vector<Submodules::Wanted> Submodules::wanted(const Parent& parent, Pass& pass) const {
  const Gitmodules modules = gitmodules(parent);
  if (modules.empty()) return {};
  std::vector<Wanted> result;
  std::vector<std::string> without_url;
  git::walk_tree(parent.store, parent.revision.tree, {}, [&](std::string_view relative, const git::Entry& link) {
    if (link.mode != git::Mode::submodule) return true;
    if (pass.stop.stop_requested()) throw TransientError("stopped while looking for submodules");
    if (++pass.count > max_count)
      throw StalledError("there are more than " + std::to_string(max_count) + " submodules; use --submodules=shallow or off");
    const std::string path = (parent.path.empty() ? "" : parent.path + "/") + std::string(relative);
    const SubmoduleEntry* const entry = modules.find(std::string(relative));
    if (!entry || entry->url.empty()) {
      without_url.push_back(path);
    } else if (auto one = wanted_of(parent, path, *entry)) {
      one->commit = link.oid;
      result.push_back(std::move(*one));
    }
    return true;
  });
  if (!without_url.empty()) {
    log_.warning("submodules without a URL in .gitmodules stay empty folders", {{"submodules", without_url.size()}, {"first", without_url.front()}});
  }
  return result;
}

// Nothing for those that are not to be updated.
std::optional<Submodules::Wanted> Submodules::wanted_of(const Parent& parent, const std::string& path, const SubmoduleEntry& entry) const {
  try {
    if (const std::string problem = problem_of(entry); !problem.empty()) throw StalledError(problem + "; correct it in .gitmodules");
    if (entry.update == "none") return std::nullopt;
    const std::string url = resolved_url(parent.url, entry.url);
    const RemoteUrl remote = RemoteUrl::parse(url, "its URL");
    constexpr auto local = RemoteUrl::Transport::local;
    if (remote.transport == local && RemoteUrl::parse(parent.url).transport != local) {
      throw StalledError("its URL " + remote.url +
                         " is a place on this machine, while the repository that names it comes from elsewhere; git refuses that, too");
    }
    const std::int64_t depth = settings_.depth == 0 && entry.is_shallow ? 1 : settings_.depth;
    return Wanted{path, submodule_folder(parent.folder, entry.name), {}, url, depth};
  } catch (const std::exception& error) {
    throw StalledError("submodule '" + path + "': " + error.what());
  }
}

SubmoduleTree Submodules::opened(const Wanted& wanted) const {
  SubmoduleTree tree;
  tree.path = wanted.path;
  tree.git_directory = folder_ / wanted.folder;
  tree.store = std::make_unique<git::ObjectStore>(tree.git_directory);
  tree.revision = tree.store->revision(wanted.commit);
  return tree;
}

SubmoduleTree Submodules::bring_one(const Wanted& wanted, const std::stop_token& stop) {
  if (checked_.contains(wanted.folder) && is_there(folder_ / wanted.folder, wanted.commit)) return opened(wanted);
  try {
    fetch(wanted, stop);
    checked_.insert(wanted.folder);
    return opened(wanted);
  } catch (const NoSpace&) {
    throw;
  } catch (const std::exception& error) {
    throw TransientError("submodule '" + wanted.path + "': " + error.what());
  }
}

void Submodules::fetch(const Wanted& wanted, const std::stop_token& stop) {
  Repository repository = Repository::of_submodule(folder_, wanted.folder, wanted.url, log_);
  Fetcher fetcher(settings_, {wanted.url, wanted.commit.hex(), wanted.depth, "its URL in .gitmodules", "push it there"}, network_, repository, log_);
  const RemoteRef ref{"", wanted.commit};
  const bool may_repair = !repaired_.contains({wanted.folder, wanted.commit});
  try {
    if (may_repair && is_damaged(repository.git_directory(), wanted.commit)) throw git::Error("the commit " + wanted.commit.hex() + " can't be read");
    fetch_or_find_damage(fetcher, ref, repository, stop);
  } catch (const git::Error& damage) {
    if (!may_repair) throw;
    repository.start_afresh(damage.what());
    fetcher.fetch(ref, stop);
    repaired_.emplace(wanted.folder, wanted.commit);
  }
  repository.keep(wanted.commit, kept_revisions);
  fetched_[wanted.folder] = wanted.url;
}

void Submodules::tidy(std::optional<std::size_t> small_packs, const std::stop_token& stop) {
  for (const auto& [name, url] : std::exchange(fetched_, {})) {
    if (!small_packs || !fs::exists(folder_ / name)) continue;
    const auto used = used_.find(name);
    const auto needed = used == used_.end() ? std::vector<git::Oid>{} : std::vector{used->second};
    Repository::of_submodule(folder_, name, url, log_).consolidate_packs(*small_packs, needed, stop);
  }
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    const bool is_left_over = name.starts_with('.');
    if (used_.contains(name) || (!is_left_over && has_trees(entry->path(), folder_.parent_path()))) continue;
    const fs::path aside = folder_ / (removed_prefix + random_name());
    checked_.erase(name);
    if (!is_left_over) fs::rename(entry->path(), aside);
    janitor_.remove(is_left_over ? entry->path() : aside);
  }
}

}  // namespace tidemark::sync
