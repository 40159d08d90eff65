// .gitmodules as the git command reads it.
#include "sync/repository/gitmodules.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <set>

#include "daemon/error.hpp"
#include "sync/published_root.hpp"
#include "sync/repository/submodules.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace tidemark::testing;
namespace fs = std::filesystem;

namespace {

// A working tree with a .gitmodules and a gitlink at each of `paths`.
struct WorkingTree {
  git::Library library;
  TemporaryDirectory directory;
  fs::path folder = directory / "tree";

  CommandResult git(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-C", folder.string()});
    return run_any(arguments, {}, GitRepository::environment());
  }
  void make(const std::string& origin, const std::string& gitmodules, const std::vector<std::string>& paths) const {
    fs::remove_all(folder);
    run({"git", "init", "-q", folder.string()}, {}, GitRepository::environment());
    git({"config", "remote.origin.url", origin});
    write_file(folder / ".gitmodules", gitmodules);
    git({"add", ".gitmodules"});
    for (const auto& path : paths) git({"update-index", "--add", "--cacheinfo", "160000," + std::string(40, '1') + "," + path});
  }
  // What `git submodule init` makes of the URL of the submodule `name` at `path`; nothing when it refuses.
  std::optional<std::string> url_by_git(const std::string& path, const std::string& name) const {
    if (git({"submodule", "init", "--", path}).status != 0) return std::nullopt;
    const auto url = git({"config", "submodule." + name + ".url"});
    return url.status == 0 ? std::optional(trimmed(url.output)) : std::nullopt;
  }
  Gitmodules parse(const std::string& text) const { return Gitmodules::parse(text, directory / "scratch"); }
  std::string refusal(const std::string& text) const {
    try {
      parse(text);
      return "";
    } catch (const StalledError& error) {
      return error.what();
    }
  }
};

std::string entry(const std::string& name, const std::string& path, const std::string& url) {
  return "[submodule \"" + name + "\"]\n\tpath = " + path + "\n\turl = " + url + "\n";
}

std::optional<std::string> resolved(const std::string& parent, const std::string& url) {
  try {
    return resolved_url(parent, url);
  } catch (const StalledError&) {
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE_FIXTURE(WorkingTree, "relative URLs lead where git submodule init says") {
  for (const std::string origin :
       {"https://example.com/a/b.git", "https://example.com/a/b.git/", "https://example.com", "ssh://git@example.com:22/a/b", "git@example.com:a/b.git",
        "git@example.com:b.git", "/srv/git/b.git", "file:///srv/git/b.git", "relative/b.git", "./b.git", "../b.git", "b.git", "git://h/x"}) {
    CAPTURE(origin);
    const std::vector<std::string> urls = {"../c.git", "./c.git",   "../../c.git", "../../../c.git", "../../../../c.git",        "../c/",
                                           "./../c",   ".././c.git", "../",        "./",             "../../other.example/c.git", "https://elsewhere.example/c",
                                           "/srv/c",   "c",          "git@h:c",    ".hidden/c"};
    std::string text;
    std::vector<std::string> names;
    for (const auto& url : urls) {
      names.push_back("sub" + std::to_string(names.size()));
      text += entry(names.back(), names.back(), url);
    }
    make(origin, text, names);
    for (std::size_t at = 0; at < urls.size(); ++at) {
      CAPTURE(urls[at]);
      CHECK(resolved(origin, urls[at]) == url_by_git(names[at], names[at]));
    }
  }
}

TEST_CASE_FIXTURE(WorkingTree, "entries are read as git reads them: the last of several counts, names keep their case and may be odd") {
  const std::string text = "# a comment\n" + entry("a", "one", "https://h/1") + entry("a", "one", "https://h/2") + entry("B.b/c d", "two", "https://h/3") +
                           entry("b.b/c d", "three", "\"https://h/4\" ; a comment") + entry("x", "four", "https://h/5") + entry("y", "four", "https://h/6") +
                           entry("moved", "five", "https://h/7") + "[submodule \"moved\"]\n\tpath = six\n" + "[SUBMODULE \"q\\\"q\"]\n\tPATH = seven\n\tURL = https://h/8\n" +
                           "[core]\n\tbare = true\n[submodule \"only-url\"]\n\turl = https://h/9\n" + "[submodule \"no-url\"]\n\tpath = eight\n";
  const std::vector<std::string> paths = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
  make("https://h/super", text, paths);
  const Gitmodules modules = parse(text);
  int found = 0;
  for (const auto& path : paths) {
    CAPTURE(path);
    const SubmoduleEntry* const ours = modules.find(path);
    const bool is_known_to_git = git({"submodule", "init", "--", path}).status == 0;
    REQUIRE(is_known_to_git == (ours && !ours->url.empty()));
    if (!is_known_to_git) continue;
    CHECK(trimmed(git({"config", "submodule." + ours->name + ".url"}).output) == ours->url);
    ++found;
  }
  CHECK(found == 6);
  CHECK_FALSE(fs::exists(directory / "scratch"));
}

TEST_CASE_FIXTURE(WorkingTree, "names, paths and URLs that git refuses are refused") {
  struct Case {
    std::string name, url;
  };
  for (const auto& [name, url] : std::vector<Case>{{"../../x", "https://h/x"},
                                                   {"a/../b", "https://h/x"},
                                                   {"..", "https://h/x"},
                                                   {"a/..", "https://h/x"},
                                                   {"a\\\\..\\\\b", "https://h/x"},
                                                   {"..a", "https://h/x"},
                                                   {"a..", "https://h/x"},
                                                   {"a/...b", "https://h/x"},
                                                   {"plain", "--upload-pack=touch /tmp/x"},
                                                   {"plain", "-x"},
                                                   {"-x", "https://h/x"}}) {
    CAPTURE(name);
    CAPTURE(url);
    const std::string text = entry(name, "sub", url);
    make("https://h/super", text, {"sub"});
    const bool is_fine_for_git = git({"submodule", "init", "--", "sub"}).status == 0;
    const Gitmodules modules = parse(text);
    REQUIRE(modules.find("sub"));
    CHECK(problem_of(*modules.find("sub")).empty() == is_fine_for_git);
  }
  SubmoduleEntry with_command{"n", "sub", "https://h/x", "!touch /tmp/x"};
  CHECK_FALSE(problem_of(with_command).empty());
  CHECK_FALSE(problem_of({"n", "sub", "https://h/x\nhost=other", ""}).empty());
  CHECK(problem_of({"n", "sub", "https://h/x", "none"}).empty());
}

TEST_CASE_FIXTURE(WorkingTree, "what can't be read, is too large or reads other files is refused in words") {
  write_file(directory / "other", entry("from-elsewhere", "sub", "https://h/x"));
  const std::string include = "[Include]\n\tpath = " + (directory / "other").string() + "\n";
  CHECK(refusal(include).find("includes another file") != std::string::npos);
  CHECK(refusal("[includeIf \"gitdir:/\"]\n\tpath = " + (directory / "other").string() + "\n").find("includes another file") != std::string::npos);
  CHECK(refusal("[submodule \"a\"\n").find("can't be read") != std::string::npos);
  CHECK(refusal(std::string(2 * 1024 * 1024 + 1, '\n')).find("2 MiB") != std::string::npos);
  CHECK(refusal(std::string(9000, '#')).find("8 KiB") != std::string::npos);
  CHECK(parse("").empty());
}

TEST_CASE_FIXTURE(WorkingTree, "10,000 entries, and lines that are as bad as they may be, are read in seconds") {
  const auto start = std::chrono::steady_clock::now();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += entry("module-" + std::to_string(i), "path/" + std::to_string(i), "https://example.com/" + std::to_string(i));
  CHECK(parse(many).find("path/9999")->url == "https://example.com/9999");
  std::string bad;
  while (bad.size() < 2 * 1000 * 1000) {
    for (int i = 0; i < 2600; ++i) bad += "[a]";
    bad += "\n";
  }
  parse(bad);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

TEST_CASE("no two submodules share a folder, and none leaves it") {
  const std::vector<std::pair<std::string, std::string>> all = {{"", "a"},     {"", "a+b"},  {"a", "b"},    {"", "a/b"},      {"", "a%2Fb"},          {"", "../../x"},
                                                                {"", ".x"},    {"", "%2Ex"}, {"", "A"},     {"", "a b"},      {"", "\xff\n"},         {"a+b", "c"},
                                                                {"a", "b+c"},  {"", ".."},   {"", "."},     {"a", ".."},      {"", std::string(300, 'n')},
                                                                {"", std::string(301, 'n')}, {"", std::string(300, '/')}};
  std::set<std::string> folders;
  for (const auto& [outer, name] : all) {
    const std::string folder = submodule_folder(outer, name);
    CAPTURE(folder);
    CHECK(folders.insert(folder).second);
    CHECK(folder.find('/') == std::string::npos);
    CHECK_FALSE(folder.starts_with('.'));
    CHECK(folder.size() <= 200);
  }
}
