// The cases that lost or corrupted somebody's index, one after the other as pushes on one index: after each, the index is what git says the tree is.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "ingest/agent.hpp"
#include "ingest/search.hpp"

using namespace tidemark;
using namespace tidemark::ingest;
using testing::Agent;
using testing::AgentOptions;
using testing::Tree;
using testing::Volume;

namespace {

// Written apart from the selection: Markdown, JSON and YAML files outside of dot folders.
bool is_document(const std::string& path) {
  std::string lower = path;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (path.starts_with(".") || path.find("/.") != std::string::npos) return false;
  return lower.ends_with(".md") || lower.ends_with(".json") || lower.ends_with(".yaml");
}

// One agent that follows one volume, checked after each push.
class Following {
 public:
  explicit Following(AgentOptions options = {}) : agent_(volume_, folder_ / "index.sqlite", std::move(options)) {}

  // Publishes the tree as the next commit and runs; the documents are then those of the tree, less the quarantined ones.
  RunReport push(const Tree& tree) {
    head_ = volume_.publish(tree, head_);
    auto report = agent_.run("hint");
    CAPTURE(report.error);
    CHECK(report.outcome == RunReport::Outcome::succeeded);
    auto wanted = volume_.files(*head_);
    std::erase_if(wanted, [](const auto& file) { return !is_document(file.first); });
    for (const auto& [path, reason] : agent_.quarantine()) {
      CHECK(wanted.contains(path));
      wanted.erase(path);
    }
    CHECK(agent_.documents() == wanted);
    return report;
  }

  // The paths that a search finds.
  std::vector<std::string> found(const std::string& text) {
    SearchQuery query;
    query.text = text;
    query.limit = 100;
    std::vector<std::string> paths;
    for (const auto& hit : agent_.engine->search(query).hits) paths.push_back(hit.path);
    std::ranges::sort(paths);
    return paths;
  }

  Agent& agent() { return agent_; }
  Volume& volume() { return volume_; }

 private:
  const git::Library& library_ = testing::libgit2();
  testing::TemporaryDirectory folder_;
  Volume volume_{folder_ / "git"};
  Agent agent_;
  std::optional<std::string> head_;
};

using Paths = std::vector<std::string>;

testing::File page(const std::string& text) { return {"100644", "# Title\n\n" + text + "\n"}; }

}  // namespace

TEST_CASE("edge 1 and 2: a commit that only renames leaves one path, and no stale hit") {
  Following f;
  f.push({{"a/old.md", page("unmistakable")}, {"keep.md", page("other")}});
  const auto report = f.push({{"b/new.md", page("unmistakable")}, {"keep.md", page("other")}});
  CHECK(report.upserted == 1);
  CHECK(report.removed == 1);
  CHECK(f.found("unmistakable") == Paths{"b/new.md"});
}

TEST_CASE("edge 3: a rename of letter case only, and names that differ in Unicode normalisation only") {
  Following f;
  f.push({{"readme.md", page("one")}, {"caf\u00e9.md", page("composed")}});
  f.push({{"README.md", page("one")}, {"caf\u00e9.md", page("composed")}});
  CHECK(f.found("one") == Paths{"README.md"});
  f.push({{"README.md", page("one")}, {"caf\u00e9.md", page("composed")}, {"cafe\u0301.md", page("decomposed")}});
  CHECK(f.agent().documents().size() == 3);
  f.push({{"README.md", page("one")}, {"cafe\u0301.md", page("decomposed")}});
  CHECK(f.found("composed").empty());
  CHECK(f.found("decomposed").size() == 1);
}

TEST_CASE("edge 4: a file becomes a folder and a folder a file in one commit") {
  Following f;
  f.push({{"a.md", page("file")}, {"b.md/c.md", page("below")}});
  f.push({{"a.md/x.md", page("below")}, {"b.md", page("file")}});
  CHECK(f.found("below") == Paths{"a.md/x.md"});
  CHECK(f.found("file") == Paths{"b.md"});
  f.push({{"a.md", page("file")}, {"b.md/c.md", page("below")}});
}

TEST_CASE("edge 5 and 6: a file becomes a symbolic link and a file again; links are never followed") {
  Following f;
  f.push({{"a.md", page("secret")}, {"z.md", page("other")}});
  f.push({{"a.md", {"120000", "/etc/passwd"}}, {"z.md", page("other")}});
  CHECK(f.found("secret").empty());
  CHECK(f.found("root").empty());
  f.push({{"a.md", page("secret")}, {"z.md", page("other")}});
  CHECK(f.found("secret") == Paths{"a.md"});
  f.push({{"z.md", page("other")},
          {"out.md", {"120000", "../../outside.md"}},
          {"dangling.md", {"120000", "nowhere.md"}},
          {"loop.md", {"120000", "loop.md"}},
          {"dir.md", {"120000", "."}}});
  CHECK(f.agent().documents().size() == 1);
}

TEST_CASE("edge 7: a submodule is added, becomes a folder, a file, and goes") {
  Following f;
  const std::string commit(40, '1');
  f.push({{"z.md", page("other")}, {"module.md", {"160000", commit}}});
  f.push({{"z.md", page("other")}, {"module.md/inner.md", page("inner")}});
  CHECK(f.found("inner") == Paths{"module.md/inner.md"});
  f.push({{"z.md", page("other")}, {"module.md", {"160000", std::string(40, '2')}}});
  CHECK(f.found("inner").empty());
  f.push({{"z.md", page("other")}, {"module.md", page("plain")}});
  CHECK(f.found("plain") == Paths{"module.md"});
  f.push({{"z.md", page("other")}});
}

TEST_CASE("edge 8: text that becomes binary or empty is no longer found") {
  Following f;
  f.push({{"a.md", page("vanishing")}, {"b.md", page("vanishing")}, {"z.md", page("other")}});
  f.push({{"a.md", {"100644", std::string("\0\1\2\3vanishing", 13)}}, {"b.md", {"100644", ""}}, {"z.md", page("other")}});
  CHECK(f.found("vanishing").empty());
  CHECK(f.agent().quarantine().contains("a.md"));
  CHECK(f.agent().documents().contains("b.md"));
  f.push({{"a.md", page("back")}, {"b.md", page("back")}, {"z.md", page("other")}});
  CHECK(f.found("back") == Paths{"a.md", "b.md"});
  CHECK(f.agent().quarantine().empty());
}

TEST_CASE("edge 9: a file grows beyond the limit and shrinks back") {
  AgentOptions options;
  options.selection.max_file_size = 1'000;
  Following f(options);
  f.push({{"a.md", page("small")}, {"z.md", page("other")}});
  f.push({{"a.md", page("large " + std::string(1'000, 'x'))}, {"z.md", page("other")}});
  CHECK(f.found("small").empty());
  CHECK(f.agent().quarantine().contains("a.md"));
  f.push({{"a.md", page("small")}, {"z.md", page("other")}});
  CHECK(f.found("small") == Paths{"a.md"});
}

TEST_CASE("edge 10 and 11: any byte may stand in a path") {
  Following f;
  Tree tree{{"z.md", page("other")}};
  for (const auto* path :
       {"日本語/計算.md", "quo\"te.md",  "tab\there.md",  "new\nline.md",  "-dash.md",       "--help.md", ":(glob)x.md", "back\\slash.md",
        "latin-\xe9.md",  "\xff\xfe.md", "spa ce/a b.md", "per%20cent.md", "semi;colon'.md", "*.md",      "[a].md",      "a\x01.md",
        "q?.md",          "#.md",        "!.md",          "~.md"}) {
    tree[path] = page("odd");
  }
  f.push(tree);
  CHECK(f.found("odd").size() == tree.size() - 1);
  for (auto& [path, file] : tree) file = page("changed");
  f.push(tree);
  f.push({{"z.md", page("other")}});
  CHECK(f.found("odd").empty());
  CHECK(f.found("changed").empty());
}

TEST_CASE("edge 12: thousands of paths in one push") {
  Following f;
  Tree tree;
  for (int at = 0; at < 3'000; ++at) tree["d" + std::to_string(at % 40) + "/p" + std::to_string(at) + ".md"] = page("many");
  f.push({{"z.md", page("other")}});
  CHECK(f.push(tree).upserted == 3'000);
  for (auto& [path, file] : tree) file.content += "more\n";
  CHECK(f.push(tree).upserted == 3'000);
}

TEST_CASE("edge 21: a volume that tells nothing of the previous revision is followed by diffs all the same") {
  Following f;
  CHECK(f.push({{"a.md", page("one")}, {"z.md", page("other")}}).mode == Mode::rebuild);
  CHECK(f.push({{"a.md", page("two")}, {"z.md", page("other")}}).mode == Mode::diff);
  CHECK(f.push({{"a.md", page("three")}, {"z.md", page("other")}}).mode == Mode::diff);
}

TEST_CASE("edge 59: hints that name nothing, twice, late and during a resync change nothing") {
  Following f;
  f.push({{"a.md", page("one")}});
  for (int at = 0; at < 5; ++at) f.agent().reconciler.hint();
  CHECK(f.agent().run().mode == Mode::up_to_date);
  f.agent().reconciler.resync(Resync::rewrite, std::nullopt);
  f.agent().reconciler.hint();
  CHECK(f.agent().run().mode == Mode::rebuild);
  CHECK(f.agent().run("hint").mode == Mode::up_to_date);
}

TEST_CASE("a change of the executable bit alone sends nothing and keeps the document") {
  Following f;
  f.push({{"a.md", page("one")}, {"z.md", page("other")}});
  auto executable = page("one");
  executable.mode = "100755";
  const auto report = f.push({{"a.md", executable}, {"z.md", page("other")}});
  CHECK(report.upserted == 0);
  CHECK(f.found("one") == Paths{"a.md"});
}

TEST_CASE("a tree without any document can be followed") {
  Following f;
  f.push({{"main.c", {"100644", "int x;"}}});
  CHECK(f.agent().documents().empty());
  f.push({{"main.c", {"100644", "int y;"}}});
  f.push({{"a.md", page("one")}});
}
