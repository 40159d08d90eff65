// Sparse checkouts beside git's own.
#include "sync/publish/sparse_patterns.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "daemon/error.hpp"
#include "git/random_tree.hpp"
#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using sync::SparsePatterns;
using sync::SparseWalk;
namespace fs = std::filesystem;

namespace {

// The paths that git leaves out of a checkout: those with the flag skip-worktree.
std::set<std::string> skipped_by_git(const GitRepository& git, const fs::path& folder, const std::string& commit, const std::string& patterns) {
  fs::create_directories(git.path() / "info");
  write_file(git.path() / "info/sparse-checkout", patterns);
  fs::remove_all(folder);
  fs::create_directory(folder);
  auto environment = GitRepository::environment();
  environment.push_back("GIT_INDEX_FILE=" + folder.string() + ".index");
  fs::remove(folder.string() + ".index");
  const auto in_folder = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "--git-dir=" + git.path().string(), "--work-tree=" + folder.string(), "-c", "core.sparseCheckout=true",
                                         "-c", "core.sparseCheckoutCone=false"});
    return run(arguments, {}, environment);
  };
  in_folder({"read-tree", "-mu", commit});
  std::set<std::string> skipped;
  const std::string listing = in_folder({"ls-files", "-t", "-z"});
  for (std::size_t at = 0; at < listing.size();) {
    const auto end = listing.find('\0', at);
    if (listing[at] == 'S') skipped.insert(listing.substr(at + 2, end - at - 2));
    at = end + 1;
  }
  return skipped;
}

std::set<std::string> skipped_by_us(const Tree& tree, const std::string& text) {
  const SparsePatterns patterns(text);
  SparseWalk walk(patterns);
  std::set<std::string> skipped;
  for (const auto& [path, file] : tree) {
    const bool wanted = walk.wants(path);
    if (wanted != patterns.wants(path)) throw std::logic_error("a walk answers otherwise for " + path);
    if (!wanted) skipped.insert(path);
  }
  return skipped;
}

// Both in one text, for what is shown of a failure.
std::string shown(const std::set<std::string>& paths) {
  std::string text;
  for (const auto& path : paths) text += path + "\n";
  return text;
}

Tree files(const std::vector<std::string>& paths) {
  Tree tree;
  for (const auto& path : paths) tree[path] = {"100644", path};
  return tree;
}

class RandomPatterns {
 public:
  explicit RandomPatterns(std::uint32_t seed) : random_(seed) {}
  std::string text(const Tree& tree) {
    std::string lines;
    for (std::size_t i = 1 + below(6); i > 0; --i) {
      if (below(3) == 0) lines += "!";
      if (below(3) == 0) lines += "/";
      for (std::size_t parts = 1 + below(3); parts > 0; --parts) lines += part(tree) + (parts > 1 ? "/" : "");
      if (below(3) == 0) lines += "/";
      lines += below(8) == 0 ? "  \r\n" : "\n";
    }
    return lines;
  }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
  std::string part(const Tree& tree) {
    static const std::vector<std::string> parts = {"*",    "**",     "***",  "a*",    "*.md",  "?",     "[ab]",     "[!a]",       "a**", "**b", "[a-z]*", "z.*", "\\a", "a?b",
                                                   "a**/b", "**/a", "a/**", "[^A-Z]", "[[:lower:]]*", "[]z]", "[a\\-]", "*\\**", "b\\ ", "*a*b*", "[a",  "[[:no:]]"};
    if (tree.empty() || below(2) == 0) return parts[below(parts.size())];
    const auto& path = std::next(tree.begin(), static_cast<std::ptrdiff_t>(below(tree.size())))->first;
    const std::string whole = path.find_first_of("\n\r") == std::string::npos ? path : "a";
    const auto slash = whole.find('/');
    switch (below(3)) {
      case 0: return whole;
      case 1: return whole.substr(0, slash);
      default: return slash == std::string::npos ? whole : whole.substr(slash + 1);
    }
  }
  std::mt19937 random_;
};

}  // namespace

TEST_CASE_FIXTURE(PublishedRoot, "patterns want what git wants, for patterns as people write them") {
  const Tree real = files({"a", "abd", "abcd/e/x", "abc/x", "docs/a.md", "docs/b.txt", "docs/img/c.png", "docs2/x", "foo", "in/docs/d.md", "in/e.md", "readme.md",
                           "src/a b ", "src/deep/er/f.c", "src/deep/f.c", "src/f.c", "x/[1]", "x/y", "#hash", "!bang", "back\\slash"});
  const std::string commit = git.commit(real);
  for (const std::string text :
       {"/docs/\n", "docs\n", "docs/\n", "/*\n!/docs/\n", "/*\n!/*/\n/docs/\n", "/docs/\n!/docs/img/\n", "/docs/\n!docs/*.txt\n", "*.md\n", "/*.md\n", "/docs/*.md\n", "docs/**\n",
        "**/docs\n", "**/docs/\n", "src/**/f.c\n", "src/**\n!src/deep/\n", "/src/*/f.c\n", "src/*\n", "/**\n", "**\n", "*\n", "", "\n\n", "# comment\n/in/\n", "\\#hash\n", "\\!bang\n",
        "!/docs/\n", "/docs\r\n/in\r\n", "/in   \n", "src/a\\ b\\ \n", "src/a b\n", "x/\\[1\\]\n", "x/[[]1]\n", "x/?\n", "abc**/x\n", "a**\n", "a?c\n", "back\\\\slash\n", "back\\slash\n",
        "\xef\xbb\xbf/docs/\n", "/docs/\n/in", "/\n", "!/\n", "foo//\n", "//docs\n", "[a\n", "docs/[!a].txt\n", "[[:alpha:]]*/\n!docs2/\n", "docs/\n!docs\n", "in/\n!*.md\nin/docs/\n"}) {
    CAPTURE(text);
    CHECK(shown(skipped_by_us(real, text)) == shown(skipped_by_git(git, directory / "out", commit, text)));
  }
}

TEST_CASE_FIXTURE(PublishedRoot, "patterns want what git wants, for random patterns and trees") {
  RandomTree random(5);
  RandomPatterns patterns(6);
  for (int round = 0; round < 150; ++round) {
    random.edit();
    if (random.tree().empty()) continue;
    const std::string text = patterns.text(random.tree());
    CAPTURE(round);
    CAPTURE(text);
    CHECK(shown(skipped_by_us(random.tree(), text)) == shown(skipped_by_git(git, directory / "out", git.commit(random.tree()), text)));
  }
}

TEST_CASE("a pattern of many stars takes no longer than its length times the path's") {
  std::string text, path;
  for (int i = 0; i < 200; ++i) text += "*a";
  for (int i = 0; i < 60'000; ++i) path += "a";
  CHECK_FALSE(SparsePatterns("/" + text + "b\n").wants(path));
  CHECK(SparsePatterns(text + "*\n").wants(path));
}

TEST_CASE_FIXTURE(PublishedRoot, "a sparse tree has the files that the patterns name, and git sees nothing missing") {
  const fs::path file = directory / "patterns";
  write_file(file, "/docs/\n!*.txt\n");
  Tree tree = files({"docs/a.md", "docs/b.txt", "docs/img/c.png", "readme.md", "src/f.c"});
  tree["docs/link"] = {"120000", "a.md"};
  tree["docs/sub"] = {"160000", std::string(40, 'a')};
  tree["other"] = {"160000", std::string(40, 'b')};
  const auto only = [&](const std::vector<std::string>& paths) {
    Tree wanted;
    for (const auto& path : paths) wanted[path] = tree[path];
    return without_submodule_commits(wanted);
  };
  auto publisher = this->publisher(sync::TreeSettings{.checkout = sync::Checkout::sparse, .sparse_file = file});
  const std::string commit = git.commit(tree);
  CHECK(publish(publisher, commit)->written == 3);
  const Tree docs = only({"docs/a.md", "docs/img/c.png", "docs/link", "docs/sub"});
  CHECK(files_below(live()) == docs);
  CHECK(git_in_link({"status", "--porcelain", "--ignored"}) == "");
  CHECK(git_in_link({"ls-files", "-t"}) == "H docs/a.md\nS docs/b.txt\nH docs/img/c.png\nH docs/link\nH docs/sub\nS other\nS readme.md\nS src/f.c\n");
  CHECK(read_file(root / ".git/worktrees" / commit / "info/sparse-checkout") == read_file(file));
  CHECK_FALSE(publish(publisher, commit).has_value());

  SUBCASE("unchanged files are shared, and what is not wanted makes no difference") {
    tree["src/f.c"].content = "other";
    const auto counts = publish(publisher, git.commit(tree));
    CHECK(counts->written == 0);
    CHECK(counts->linked == 3);
    CHECK(files_below(live()) == docs);
    CHECK(git_in_link({"status", "--porcelain", "--ignored"}) == "");
  }
  SUBCASE("other patterns make the tree of the same commit again") {
    write_file(file, "*.md\n# more\n");
    CHECK_FALSE(publisher.published().has_value());
    CHECK(publisher.follows_other_rules());
    CHECK(publish(publisher, commit).has_value());
    CHECK(files_below(live()) == only({"docs/a.md", "readme.md"}));
    CHECK(git_in_link({"status", "--porcelain", "--ignored"}) == "");
  }
  SUBCASE("a wanted file that is gone is damage, one that was put where none is wanted is not") {
    write_file(live() / "readme.md", "mine");
    CHECK_FALSE(publish(publisher, commit).has_value());
    fs::remove(live() / "docs/a.md");
    CHECK(publish(publisher, commit).has_value());
    CHECK(files_below(live()) == docs);
  }
  SUBCASE("without the file of patterns nothing is published anew") {
    fs::remove(file);
    CHECK_THROWS_WITH_AS(publisher.published(), doctest::Contains("--sparse-checkout-file"), TransientError);
    CHECK(files_below(live()) == docs);
  }
  SUBCASE("nothing wanted is an empty tree") {
    write_file(file, "");
    CHECK(publish(publisher, commit).has_value());
    CHECK(files_below(live()).empty());
    CHECK(git_in_link({"status", "--porcelain", "--ignored"}) == "");
  }
}
