#include "sync/publish/tree_record.hpp"

#include <fcntl.h>

namespace tidemark::sync {

namespace fs = std::filesystem;

namespace {

constexpr const char* rules_name = "tidemark";
constexpr const char* others_name = "tidemark-parts";
constexpr std::size_t small_file_bytes = 4096;
constexpr std::size_t deepest_git_file_bytes = 64 * 1024;
constexpr std::size_t longest_list_bytes = 16 * 1024 * 1024;

// Up to the next NUL; nothing when there is none.
std::optional<std::string> take_field(std::string_view& text) {
  const auto end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  std::string field(text.substr(0, end));
  text.remove_prefix(end + 1);
  return field;
}

bool stays_below(const fs::path& relative) {
  if (relative.empty() || relative.is_absolute()) return false;
  for (const auto& segment : relative)
    if (segment == "..") return false;
  return true;
}

}  // namespace

bool is_commit_name(const std::string& name) {
  const auto oid = git::Oid::parse(name);
  return oid && oid->hex() == name;
}

std::string TreeRecord::git_file(const PartPlace& part) const {
  return "gitdir: " + admin(part).lexically_relative(tree() / part.path).string() + "\n";
}

bool TreeRecord::leads_to(const PartPlace& part) const {
  const auto is = [](const fs::path& path, const std::string& content, std::size_t limit) {
    return read_small_file(AT_FDCWD, path, limit) == content;
  };
  return is(tree() / part.path / ".git", git_file(part), part.path.empty() ? small_file_bytes : deepest_git_file_bytes) &&
         is(admin(part) / "HEAD", part.commit.hex() + "\n", small_file_bytes);
}

void TreeRecord::write_admin(int directory, const PartPlace& part, const std::string& rules) const {
  write_new_file(directory, "HEAD", part.commit.hex() + "\n", 0666);
  write_new_file(directory, "commondir", "../..\n", 0666);
  write_new_file(directory, "gitdir", (tree() / part.path / ".git").string() + "\n", 0666);
  write_new_file(directory, rules_name, rules, 0666);
}

std::optional<std::string> TreeRecord::rules(const PartPlace& part) const {
  return read_small_file(AT_FDCWD, admin(part) / rules_name, small_file_bytes);
}

std::optional<std::vector<PartPlace>> TreeRecord::others() const {
  const auto list = read_small_file(AT_FDCWD, root_ / ".git/worktrees" / name_ / others_name, longest_list_bytes);
  if (!list) return std::nullopt;
  std::vector<PartPlace> places;
  for (std::string_view rest = *list; !rest.empty();) {
    const auto path = take_field(rest);
    const auto commit = take_field(rest);
    const auto git_directory = take_field(rest);
    if (!path || !commit || !git_directory || !is_commit_name(*commit) || !stays_below(*path) || !stays_below(*git_directory)) return std::nullopt;
    places.push_back({*path, *git::Oid::parse(*commit), *git_directory});
  }
  return places;
}

void TreeRecord::write_others(int directory, const std::vector<PartPlace>& others) {
  std::string list;
  for (const auto& part : others) list += part.path + '\0' + part.commit.hex() + '\0' + part.git_directory.string() + '\0';
  write_new_file(directory, others_name, list, 0666);
}

}  // namespace tidemark::sync
