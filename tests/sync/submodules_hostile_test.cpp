// Submodules as somebody who means harm would make them.
#include "sync/submodules_fixture.hpp"

using namespace tidemark::testing;

TEST_CASE_FIXTURE(SubmodulesFixture, "hostile entries are refused by the submodule's name, and nothing is written elsewhere") {
  follow(super.path().string());
  publishes();
  const std::string before = commit;
  std::string words;
  SUBCASE("a name that leads out") {
    modules = {{"../../x", "lib", "../lib.git"}};
    words = "its name leads out of its folder";
  }
  SUBCASE("a URL that is an option") {
    modules = {{"lib", "lib", "--upload-pack=touch " + (directory / "touched").string()}};
    words = "its URL begins with a '-'";
  }
  SUBCASE("a program as a way to update") {
    modules = {{"lib", "lib", "../lib.git", "update = !touch " + (directory / "touched").string()}};
    words = "its update is none of";
  }
  SUBCASE("a URL that is a program") {
    modules = {{"lib", "lib", "ext::touch " + (directory / "touched").string()}};
    words = "it names a program to fetch with";
  }
  SUBCASE("a quote in a path over ssh") {
    modules = {{"lib", "lib", "ssh://git@127.0.0.1:1/x';touch '/tmp/touched"}};
    words = "there must be no ' in it";
  }
  SUBCASE("a quote in a path over ssh in other words") {
    modules = {{"lib", "lib", "git@127.0.0.1:x%27;touch"}};
    words = "there must be no ' in it";
  }
  SUBCASE("10,000 submodules") {
    for (int i = 0; i < 10'000; ++i) {
      const std::string name = "m" + std::to_string(i);
      own[name] = {"160000", lib_commit};
      modules.push_back({name, name, "../lib.git"});
    }
    words = "more than 1000 submodules";
  }
  commit_super();
  const std::string said = failure();
  CAPTURE(said);
  CHECK(has(said, words));
  CHECK(live() == before);
  CHECK_FALSE(fs::exists(directory / "touched"));
  CHECK_FALSE(fs::exists(directory / "x"));
  CHECK_FALSE(fs::exists(root / "x"));
  CHECK_FALSE(fs::exists(root / ".git/x"));
}

TEST_CASE_FIXTURE(SubmodulesFixture, "10,000 entries of .gitmodules without submodules, and paths that lead out, concern nobody") {
  for (int i = 0; i < 10'000; ++i) modules.push_back({"m" + std::to_string(i), "../m" + std::to_string(i), "../lib.git"});
  commit_super();
  follow(super.path().string());
  CHECK(publishes());
  CHECK(repositories() == std::set<std::string>{"lib", "lib+in"});
  CHECK_FALSE(fs::exists(directory / "m1"));
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a symbolic link at a submodule's place leads nothing out of the tree") {
  fs::create_directory(directory / "outside");
  const auto raw = [](const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
  };
  const auto commit_of = [&](const GitRepository& git, const std::string& tree) {
    const std::string hex = git.git_line({"commit-tree", tree, "-m", "m"});
    git.git({"update-ref", "refs/heads/main", hex});
    return hex;
  };
  const auto hostile = [&](const GitRepository& git, const std::string& at, const std::string& below, const std::string& gitlink, const std::string& entries) {
    const std::string link = git.write_object("blob", (directory / "outside").string());
    const std::string modules_blob = git.write_object("blob", entries);
    const std::string folder = git.write_object("tree", "160000 " + below + '\0' + raw(gitlink));
    return git.write_object("tree", std::string("100644 .gitmodules") + '\0' + raw(modules_blob) + "120000 " + at + '\0' + raw(link) + "40000 " + at + '\0' + raw(folder));
  };
  SUBCASE("in the superproject") { commit_of(super, hostile(super, "dir", "lib", lib_commit, gitmodules({{"lib", "dir/lib", "../lib.git"}}))); }
  SUBCASE("in a submodule") {
    lib_commit = commit_of(lib, hostile(lib, "dir", "inner", inner_commit, gitmodules({{"in", "dir/inner", "../inner.git"}})));
    commit_super();
  }
  follow(super.path().string());
  CHECK(failure() != "");
  CHECK(fs::is_empty(directory / "outside"));
  CHECK_FALSE(fs::exists(root / "link"));
}

TEST_CASE_FIXTURE(SubmodulesFixture, "a repository within itself ends: as it does where that is soon, and by a refusal where it is not") {
  const auto nested = [&](int levels) {
    std::string last = lib.commit({{"file", {"100644", "0"}}});
    for (int i = 1; i <= levels; ++i)
      last = lib.commit({{"file", {"100644", std::to_string(i)}}, {"me", {"160000", last}}, {".gitmodules", {"100644", gitmodules({{"me", "me", "./"}})}}}, "refs/heads/main", last);
    return last;
  };
  lib_commit = nested(4);
  commit_super();
  follow(super.path().string());
  CHECK(publishes());
  CHECK(published("lib/me/me/me/me/file") == "0");
  lib_commit = nested(40);
  commit_super();
  CHECK(has(failure(), "nested more than 32 deep"));
  CHECK(published("lib/file") == "4");
}
