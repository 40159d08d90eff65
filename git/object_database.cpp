#include "git/object_database.hpp"

#include <fstream>
#include <string>

#include "git/loose_objects.hpp"

namespace tidemark::git {

namespace fs = std::filesystem;

namespace {

// As libgit2 has them.
constexpr int loose_priority = 1;
constexpr int pack_priority = 2;
constexpr int max_alternates_depth = 5;
constexpr std::size_t max_alternates = 100;

using Add = int (*)(git_odb*, git_odb_backend*, int);

void add_folder(git_odb* odb, const fs::path& objects, Add add) {
  const std::string action = "open the objects in " + objects.string();
  git_odb_backend* packs = nullptr;
  check(git_odb_backend_pack(&packs, objects.c_str()), action);
  check(add(odb, packs, pack_priority), action);
  check(add(odb, make_loose_backend(objects), loose_priority), action);
}

// gitrepository-layout(5), objects/info/alternates: a folder per line, relative to `objects`, '#' begins a comment.
void add_alternates(git_odb* odb, const fs::path& objects, int depth, std::size_t& count) {
  if (depth > max_alternates_depth) return;
  std::ifstream in(objects / "info" / "alternates");
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (++count > max_alternates) throw Error("open the objects in " + objects.string() + ": more than " + std::to_string(max_alternates) + " alternates");
    const fs::path other = objects / line;
    std::error_code ignored;
    if (!fs::is_directory(other, ignored)) continue;
    add_folder(odb, other, git_odb_add_alternate);
    add_alternates(odb, other, depth + 1, count);
  }
}

}  // namespace

OdbHandle open_database(const fs::path& objects) {
  git_odb* odb = nullptr;
  check(git_odb_new(&odb), "open the objects in " + objects.string());
  OdbHandle handle(odb);
  add_folder(odb, objects, git_odb_add_backend);
  std::size_t count = 0;
  add_alternates(odb, objects, 1, count);
  return handle;
}

}  // namespace tidemark::git
