#include "sync/publish/publisher.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "sync/publish/filters.hpp"
#include "sync/publish/tree_draft.hpp"

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

const fs::path repository_folder = ".git";

fs::path real_root(const fs::path& root) {
  create_directories(fs::absolute(root), "the root");
  return real_path(fs::absolute(root), "the root");
}

FileDescriptor open_root(const fs::path& root) {
  FileDescriptor directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) fail_with(errno, "cannot open the root " + root.string());
  return directory;
}

// The folder `path` ("" for itself) below one that is open, through no symbolic link; nothing when it is not there.
FileDescriptor find_below(FileDescriptor folder, const std::string& path) {
  for (std::size_t begin = 0; folder && begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    folder = find_directory(folder.get(), path.substr(begin, end - begin));
    begin = end + 1;
  }
  return folder;
}

FileDescriptor make_worktrees(int root, const fs::path& git_directory) {
  return make_directory(open_directory(root, git_directory).get(), "worktrees");
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

// One part of a tree that is to be made, by which rules.
struct Publisher::Plan {
  const TreePart& part;
  PartPlace place;
  std::string admin;                   // its name in the draft
  std::optional<CheckoutRules> files;  // nothing: none
  std::string rules;
};

Publisher::Publisher(const fs::path& root, const fs::path& link, TreeSettings settings, Log& log)
    : root_(real_root(root)),
      link_(root_, link),
      settings_(settings),
      sparse_(settings.checkout == Checkout::sparse ? settings.sparse_file : ""),
      log_(log),
      old_trees_(root_, link_, settings.retention, log) {}

std::optional<git::Oid> Publisher::published() const {
  const auto commit = linked();
  if (!commit || !link_.leads_to(tree(commit->hex()))) return std::nullopt;
  return is_made(commit->hex()) ? commit : std::nullopt;
}

// The tree is there as prepare() made it, as far as a few system calls can tell.
bool Publisher::is_made(const std::string& name) const {
  const TreeRecord record(root_, name);
  const PartPlace superproject{"", *git::Oid::parse(name), repository_folder};
  if (!record.leads_to(superproject)) return false;
  const auto recorded = record.rules(superproject);
  if (!recorded || !recorded->starts_with(rules("", sparse_.read().get()))) return false;
  if (!recorded->ends_with(has_parts)) return true;
  const auto others = record.others();
  return others && std::all_of(others->begin(), others->end(), [&](const PartPlace& part) { return record.leads_to(part); });
}

fs::path Publisher::tree(const std::string& commit) const { return TreeRecord(root_, commit).tree(); }

// Which rules a tree was made by: only files of a tree that was made by the same ones are shared.
std::string Publisher::rules(const std::string& filters, const SparsePatterns* patterns) const {
  const std::string mask = settings_.mask == 0022 ? "" : fmt::format("-umask-{:04o}", settings_.mask);
  const std::string files = patterns != nullptr ? "sparse-" + patterns->fingerprint() : settings_.checkout == Checkout::none ? "none" : "full";
  return fmt::format("checkout 1 {}{} {}", files, mask, filters);
}

bool Publisher::follows_other_rules() const {
  const auto commit = linked();
  if (!commit) return false;
  const auto recorded = TreeRecord(root_, commit->hex()).rules({"", *commit, repository_folder});
  return recorded && !recorded->starts_with(rules("", sparse_.read().get()));
}

// Patterns are the superproject's. A submodule that they leave out has no folder, and those in it neither.
bool Publisher::has_folder(const std::string& path, const std::vector<Plan>& plans, const SparsePatterns& patterns,
                           std::vector<std::string>& left_out) {
  const auto is_in = [&](const std::string& folder) { return path.starts_with(folder + "/"); };
  const bool is_nested = std::any_of(plans.begin() + 1, plans.end(), [&](const Plan& plan) { return is_in(plan.place.path); });
  if (is_nested || (std::none_of(left_out.begin(), left_out.end(), is_in) && patterns.wants(path))) return true;
  left_out.push_back(path);
  return false;
}

std::vector<Publisher::Plan> Publisher::planned(std::span<const TreePart> parts) const {
  if (settings_.checkout == Checkout::none) parts = parts.first(1);
  std::vector<Plan> plans;
  const auto patterns = sparse_.read();
  std::vector<std::string> left_out;
  for (const auto& part : parts) {
    const bool is_first = plans.empty();
    if (!is_first && patterns && !has_folder(part.path, plans, *patterns, left_out)) continue;
    const fs::path git_directory = is_first ? repository_folder : part.git_directory.lexically_relative(root_);
    if (git_directory.empty() || *git_directory.begin() == "..")
      throw std::invalid_argument("the repository of '" + part.path + "' is not below the root");
    if (std::any_of(plans.begin(), plans.end(), [&](const Plan& plan) { return plan.place.git_directory == git_directory; }))
      throw std::invalid_argument("the repository of '" + part.path + "' is that of another part of the tree");
    const PartPlace place{part.path, part.revision.commit, git_directory};
    plans.push_back({part, place, is_first ? "admin" : fmt::format("admin-{}", plans.size()), std::nullopt, ""});
    Plan& plan = plans.back();
    if (settings_.checkout != Checkout::none)
      plan.files.emplace(CheckoutRules{Filters(*part.store, part.revision), settings_.mask, settings_.sharing, is_first ? patterns : nullptr});
    plan.rules = rules(plan.files ? plan.files->filters.fingerprint() + "\n" : "\n", plan.files ? plan.files->sparse.get() : nullptr);
  }
  if (plans.size() > 1) plans.front().rules += has_parts;
  return plans;
}

// What the live tree has where this part will be.
std::optional<PublishedTree> Publisher::live_part(const Plan& plan) const {
  const auto commit = linked();
  if (!commit) return std::nullopt;
  const TreeRecord record(root_, commit->hex());
  const auto recorded = record.rules(plan.place);
  if (!recorded || first_line(*recorded) != first_line(plan.rules)) return std::nullopt;
  auto index = IndexReader::open(AT_FDCWD, record.admin(plan.place) / "index");
  FileDescriptor tree = find_below(find_directory(AT_FDCWD, record.tree()), plan.place.path);
  if (!index || !tree) return std::nullopt;
  return PublishedTree{std::move(tree), std::move(*index)};
}

std::vector<PartPlace> Publisher::others(const std::vector<Plan>& plans) {
  std::vector<PartPlace> places;
  for (std::size_t i = 1; i < plans.size(); i++) places.push_back(plans[i].place);
  return places;
}

// Why what is live already is not what it should be.
std::optional<std::string> Publisher::damage(const std::vector<Plan>& plans, const std::stop_token& stop) const {
  if (settings_.checkout == Checkout::none) return std::nullopt;
  const TreeRecord record(root_, plans.front().place.commit.hex());
  if (plans.size() > 1 && record.others() != others(plans)) return "it has other submodules";
  for (const auto& plan : plans) {
    if (record.rules(plan.place) != plan.rules) return "it was made by other rules";
    auto live = live_part(plan);
    if (!live) return "its record is damaged";
    const auto path = first_damage(*plan.part.store, plan.part.revision, *plan.files, std::move(*live), stop);
    if (path) return "not as it was written: " + (fs::path(plan.place.path) / *path).string();
  }
  return std::nullopt;
}

std::optional<CheckoutCounts> Publisher::publish(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop) {
  const auto counts = prepare(store, revision, std::move(stop));
  if (counts) make_live(revision.commit);
  return counts;
}

bool Publisher::flip(const git::Oid& commit) {
  if (!is_made(commit.hex())) return false;
  make_live(commit);
  return true;
}

void Publisher::make_live(const git::Oid& commit) const {
  const auto before = linked();
  if (before && before != commit) old_trees_.retire(before->hex());
  link_.replace(tree(commit.hex()));
}

std::optional<CheckoutCounts> Publisher::prepare(const git::ObjectStore& store, const git::Revision& revision, std::stop_token stop) {
  const TreePart part{"", &store, revision, root_ / repository_folder};
  return prepare({&part, 1}, std::move(stop));
}

std::optional<CheckoutCounts> Publisher::prepare(std::span<const TreePart> parts, std::stop_token stop) {
  const git::Oid commit = parts.front().revision.commit;
  const auto plans = planned(parts);
  if (published() == commit) {
    const auto reason = damage(plans, stop);
    if (!reason) return std::nullopt;
    log_.warning("the live tree is made again", {{"commit", commit.hex()}, {"reason", *reason}});
  }

  const FileDescriptor root = open_root(root_);
  const FileDescriptor trees = make_directory(root.get(), trees_name);
  const TreeRecord record(root_, commit.hex());
  TreeDraft draft(trees.get(), log_);
  const FileDescriptor tree = make_directory(draft.directory(), "tree");
  CheckoutCounts counts;
  for (const auto& plan : plans) counts += write_part(plan, record, draft.directory(), tree.get(), stop);
  if (plans.size() > 1) TreeRecord::write_others(open_directory(draft.directory(), plans.front().admin).get(), others(plans));
  if (::syncfs(root.get()) != 0) fail_with(errno, "cannot bring the new tree to the disk");

  for (const auto& plan : plans) {
    old_trees_.remember(plan.place.git_directory);
    draft.place(plan.admin, make_worktrees(root.get(), plan.place.git_directory).get(), commit.hex());
  }
  draft.place("tree", trees.get(), commit.hex());
  draft.release();
  return counts;
}

CheckoutCounts Publisher::write_part(const Plan& plan, const TreeRecord& record, int draft, int tree, const std::stop_token& stop) const {
  FileDescriptor folder = find_below(open_directory(tree, "."), plan.place.path);
  if (!folder) fail_with(errno, "cannot open the folder '" + plan.place.path + "' of a submodule");
  write_new_file(folder.get(), ".git", record.git_file(plan.place), 0666);
  const FileDescriptor admin = make_directory(draft, plan.admin);
  record.write_admin(admin.get(), plan.place, plan.rules);
  if (!plan.files) return {};
  if (plan.files->sparse) write_new_file(make_directory(admin.get(), "info").get(), "sparse-checkout", plan.files->sparse->text(), 0666);
  IndexWriter index(admin.get(), "index");
  return write_checkout(*plan.part.store, plan.part.revision, *plan.files, std::move(folder), index, live_part(plan), stop);
}

void Publisher::clean_and_wait(std::stop_token stop, Space space) {
  old_trees_.clean(held_, space, stop);
  old_trees_.wait(std::move(stop));
}

void Publisher::make_room(std::stop_token stop) {
  struct statvfs volume{};
  if (!old_trees_.keeps_some() || ::statvfs(root_.c_str(), &volume) != 0) return;
  const std::uint64_t free = std::uint64_t{volume.f_bavail} * volume.f_frsize;
  const std::uint64_t all = std::uint64_t{volume.f_blocks} * volume.f_frsize;
  if (free >= all / 20 && free >= live_bytes()) return;
  log_.warning("space is short: old trees are removed before their time", {{"free_bytes", free}, {"volume_bytes", all}});
  clean_and_wait(std::move(stop), Space::is_short);
}

// The superproject's files; what the index says.
std::uint64_t Publisher::live_bytes() const {
  const auto commit = linked();
  if (!commit) return 0;
  auto index = IndexReader::open(AT_FDCWD, TreeRecord(root_, commit->hex()).admin({"", *commit, repository_folder}) / "index");
  std::uint64_t bytes = 0;
  while (const IndexEntry* entry = index ? index->next() : nullptr) bytes += entry->stat.size;
  return bytes;
}

}  // namespace tidemark::sync
