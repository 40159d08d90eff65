// What goes with the packs of a repository, and what never does.
#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <sstream>

#include "sync/fetch_fixture.hpp"
#include "sync/repository/repository.hpp"
#include "sync/synchronizer.hpp"

using namespace tidemark;
using namespace tidemark::testing;
using git::Oid;
namespace fs = std::filesystem;

namespace {

std::string random_text(std::size_t bytes) {
  static std::mt19937_64 random(20240229);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::set<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

struct Pruned : FetchFixture {
  const GitDaemon server{served};
  bool is_local = false;

  void follow() { use(is_local ? git.path().string() : server.url("r.git")); }

  std::string git_in_root(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-C", root().string()});
    return trimmed(run(arguments, {}, GitRepository::environment()));
  }
  std::vector<fs::path> packs() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(root() / ".git" / "objects" / "pack"))
      if (entry.path().extension() == ".pack") found.push_back(entry.path());
    return found;
  }
  std::uintmax_t pack_bytes() const {
    std::uintmax_t total = 0;
    for (const auto& pack : packs()) total += fs::file_size(pack);
    return total;
  }
  std::set<std::string> objects() const { return words_of(git_in_root({"cat-file", "--batch-all-objects", "--batch-check=%(objectname)"})); }
  std::set<std::string> needed() const { return words_of(git_in_root({"rev-list", "--objects", "--no-object-names", "--all", "HEAD"})); }
  bool has(const std::string& object) const { return objects().contains(object); }

  std::string orphan(std::size_t bytes) { return git.commit({{"large", {"100644", random_text(bytes)}}, {"docs/same", {"100644", "same"}}}); }

  // As a pass does.
  void push(const std::string& commit, std::size_t limit, std::size_t kept, const std::vector<Oid>& needed = {}) {
    REQUIRE(fetched() == commit);
    repository->keep(*Oid::parse(commit), kept);
    repository->consolidate_packs(limit, needed);
  }
  void check_sound() const {
    CHECK(run_any({"git", "-C", root().string(), "fsck", "--connectivity-only", "--no-dangling"}, {}, GitRepository::environment()).status == 0);
    const auto all = objects();
    CHECK(std::ranges::includes(all, needed()));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Pruned, "after orphan force pushes the packs hold what the kept revisions need, and little besides") {
  SUBCASE("over the network") {}
  SUBCASE("from this machine") { is_local = true; }
  follow();
  push(orphan(200'000), 6, 4);
  // From this machine the first copy has the remote's loose objects, which stay loose.
  const auto loose = is_local ? objects() : std::set<std::string>{};
  for (int i = 0; i < 40; ++i) {
    push(orphan(200'000), 6, 4);
    CHECK(pack_bytes() < 12 * 200'000);
  }
  check_sound();
  for (int i = 0; i < 2; ++i) push(orphan(200'000), 100, 1);
  repository->consolidate_packs(2);
  auto expected = needed();
  expected.insert(loose.begin(), loose.end());
  CHECK(objects() == expected);
  check_sound();
}

TEST_CASE_FIXTURE(Pruned, "few large packs are pruned once they have doubled, however few they are") {
  follow();
  std::uintmax_t largest = 0;
  for (int i = 0; i < 16; ++i) {
    push(orphan(6'000'000), 1000, 2);
    largest = std::max(largest, pack_bytes());
  }
  CHECK(largest < 80'000'000);
  check_sound();
}

TEST_CASE_FIXTURE(Pruned, "a commit that went can be published again") {
  follow();
  const std::string first = orphan(100'000);
  push(first, 3, 2);
  for (int i = 0; i < 12; ++i) push(orphan(100'000), 3, 2);
  CHECK_FALSE(has(first));
  git.git({"update-ref", "refs/heads/main", first});
  push(first, 3, 2);
  check_complete(first);
  check_sound();
}

TEST_CASE_FIXTURE(Pruned, "a commit in a pack that stays is complete for ever") {
  SUBCASE("over the network") {}
  SUBCASE("from this machine") { is_local = true; }
  follow();
  const std::string base = git.commit({{"base", {"100644", random_text(50'000)}}});
  push(base, 100, 1);
  // Shares base's file and brings one that all later ones have.
  const Tree shared{{"stays", {"100644", random_text(200'000)}}};
  Tree tree = shared;
  tree["base"] = {"100644", git.git({"cat-file", "blob", base + ":base"})};
  const std::string second = git.commit(tree, "refs/heads/main", base);
  push(second, 100, 1);
  for (int i = 0; i < 8; ++i) {
    Tree later = shared;
    later["new"] = {"100644", random_text(1'000)};
    // A pack of each fetch stays alone: none is consolidated.
    push(git.commit(later), 100, 1);
  }
  const auto marked = packs();
  for (const auto& pack : marked)
    if (git_in_root({"verify-pack", "-v", pack.string()}).find(second) != std::string::npos) std::ofstream(fs::path(pack).replace_extension(".keep"));
  repository->consolidate_packs(4);
  CHECK(objects().size() < 20);
  CHECK(has(second));
  git.git({"update-ref", "refs/heads/main", second});
  push(second, 2, 1);
  check_complete(second);
  check_sound();
}

TEST_CASE_FIXTURE(Pruned, "a pack that is marked stays with all that is in it") {
  follow();
  const std::string first = orphan(10'000);
  push(first, 100, 1);
  const fs::path pack = packs().at(0);
  std::string ending;
  SUBCASE(".keep") { ending = ".keep"; }
  SUBCASE(".promisor") { ending = ".promisor"; }
  std::ofstream(fs::path(pack).replace_extension(ending));
  for (int i = 0; i < 10; ++i) push(orphan(10'000), 3, 1);
  CHECK(fs::exists(pack));
  CHECK(has(first));
  repository->consolidate_packs(2);
  CHECK(packs().size() <= 3);
}

TEST_CASE_FIXTURE(Pruned, "a history of more commits than are walked loses nothing, and one of as many is pruned") {
  settings.depth = 0;  // all of the history
  const std::string orphaned = orphan(400'000);
  follow();
  push(orphaned, 100, 1);
  std::size_t count = 2'000;
  SUBCASE("as many") {}
  SUBCASE("one more") { ++count; }
  std::string stream = "reset refs/heads/main\n\n";
  for (std::size_t i = 1; i <= count; ++i) {
    stream += "commit refs/heads/main\ncommitter T <t@example.com> " + std::to_string(1'600'000'000 + i) +
              " +0000\ndata 1\nm\nM 100644 inline f\ndata 4\n" + std::to_string(1000 + i) + "\n";
  }
  git.git({"fast-import", "--quiet", "--force"}, stream);
  push(git.git_line({"rev-parse", "refs/heads/main"}), 2, 1);
  CHECK(packs().size() == 1);
  CHECK(has(orphaned) == (count > 2'000));
  check_sound();
}

TEST_CASE_FIXTURE(Pruned, "with an object that can't be read nothing goes") {
  follow();
  const std::string first = orphan(10'000);
  push(first, 100, 1);
  push(orphan(10'000), 100, 1);
  const std::string without_tree = "tree 0123456789012345678901234567890123456789\nauthor T <t> 1 +0000\ncommitter T <t> 1 +0000\n\nm\n";
  const std::string broken = trimmed(
      run({"git", "-C", root().string(), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"}, without_tree, GitRepository::environment()));
  const fs::path loose = root() / ".git" / "objects" / broken.substr(0, 2) / broken.substr(2);
  SUBCASE("named by a ref") { git_in_root({"update-ref", "refs/heads/broken", broken}); }
  SUBCASE("loose and named by nothing") {}
  SUBCASE("cut off") {
    fs::permissions(loose, fs::perms::owner_all);
    fs::resize_file(loose, 5);
  }
  repository->consolidate_packs(2);
  CHECK(packs().size() == 1);
  git_in_root({"verify-pack", fs::path(packs()[0]).replace_extension(".idx").string()});
  fs::remove(loose);
  CHECK(has(first));
}

TEST_CASE_FIXTURE(Pruned, "what a caller needs stays: a commit that is held back, and a tag that is followed") {
  follow();
  const std::string held = orphan(10'000);
  git.git({"tag", "-a", "-m", "t", "v1", held});
  const std::string tag = git.git_line({"rev-parse", "refs/tags/v1"});
  use(server.url("r.git"), "v1");
  CHECK(fetched() == held);
  use(server.url("r.git"));
  const std::vector<Oid> wanted{*Oid::parse(tag), *Oid::parse("0123456789012345678901234567890123456789")};
  for (int i = 0; i < 10; ++i) push(orphan(10'000), 3, 1, wanted);
  CHECK(has(tag));
  check_complete(held);
  for (int i = 0; i < 4; ++i) push(orphan(10'000), 3, 1);
  CHECK_FALSE(has(tag));
  CHECK_FALSE(has(held));
}

TEST_CASE_FIXTURE(Pruned, "a shallow repository keeps what its boundary needs, and the next fetch works") {
  std::string head;
  for (int i = 0; i < 3; ++i)
    head = git.commit({{"f", {"100644", random_text(5'000)}}}, "refs/heads/main", head.empty() ? std::nullopt : std::optional(head));
  run({"git", "clone", "-q", "--bare", "--depth=1", git.url(), (directory / "shallow.git").string()}, {}, GitRepository::environment());
  use((directory / "shallow.git").string());
  CHECK(fetched() == head);
  CHECK(fs::exists(root() / ".git" / "shallow"));
  const auto update = [&] {
    run({"git", "-C", (directory / "shallow.git").string(), "fetch", "-q", "--depth=1", git.url(), "+main:main"}, {}, GitRepository::environment());
    run({"git", "-C", (directory / "shallow.git").string(), "gc", "-q", "--prune=now"}, {}, GitRepository::environment());
  };
  for (int i = 0; i < 12; ++i) {
    head = git.commit({{"f", {"100644", random_text(5'000)}}}, "refs/heads/main", head);
    update();
    push(head, 3, 2);
    check_complete(head);
  }
  repository->consolidate_packs(2);
  CHECK(objects() == needed());
  CHECK(objects().size() == 6);
  check_sound();
}

namespace {

struct Passes : Pruned {
  Wakeup wakeup;
  Metrics metrics;

  void make_passes(sync::Packing packing, const std::string& ref = "HEAD") {
    settings.repo = server.url("r.git");
    settings.root = root().string();
    settings.link = "link";
    settings.packing = packing;
    settings.ref = ref;
    sync::Synchronizer synchronizer(settings, wakeup, metrics, log);
    for (int i = 0; i < 30; ++i) {
      const std::string commit = orphan(1'000);
      if (ref != "HEAD") git.git({"tag", "-f", "-a", "-m", "t", ref, commit});
      CHECK(synchronizer.sync_once({}) == sync::Synchronizer::Outcome::published);
      CHECK(synchronizer.sync_once({}) == sync::Synchronizer::Outcome::unchanged);
    }
  }
  int fetches() const {
    const std::string text = metrics.exposition();
    const std::string name = "\ngit_fetch_count_total ";
    return std::stoi(text.substr(text.find(name) + name.size()));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Passes, "each pass prunes, but not with --git-gc=off") {
  SUBCASE("on") {
    make_passes(sync::Packing::aggressive);
    CHECK(objects().size() < 24 * 4);
  }
  SUBCASE("off") {
    make_passes(sync::Packing::off);
    CHECK(objects().size() > 30 * 3);
  }
}

TEST_CASE_FIXTURE(Passes, "an annotated tag that is followed is not fetched again") {
  make_passes(sync::Packing::aggressive, "v1");
  CHECK(fetches() == 30);
}
