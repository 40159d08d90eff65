#include "daemon/settings.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/error.hpp"

using namespace tidemark;
using namespace std::chrono_literals;

namespace {

using Problems = std::vector<std::string>;

struct File {
  explicit File(const std::string& content) {
    path = (std::filesystem::temp_directory_path() / "settings-XXXXXX").string();
    const int fd = mkstemp(path.data());
    REQUIRE(fd >= 0);
    close(fd);
    std::ofstream(path, std::ios::binary) << content;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path;
};

struct Example {
  Example() {
    settings.add({.name = "repo", .help = "what to clone", .group = "Source"}, repo);
    settings.add({.name = "period", .help = "between polls", .environment_aliases = {"GIT_SYNC_WAIT"}}, period);
    settings.add({.name = "max-file-size", .help = "larger files are skipped"}, size);
    settings.add({.name = "max-failures", .help = "negative = for ever"}, failures);
    settings.add({.name = "one-time", .help = "exit after the first"}, one_time);
    settings.add({.name = "include", .help = "patterns", .placeholder = "PATTERN"}, include);
    settings.add({.name = "password", .help = "for HTTP", .environment_only = true}, password);
    settings.add({.name = "checkout", .help = "full|none"}, "full", [this](std::string_view text) -> std::optional<std::string> {
      if (text != "full" && text != "none") return "not one of full, none";
      checkout = text;
      return {};
    });
  }

  bool parse(std::vector<const char*> arguments, const Environment& environment = {}) {
    arguments.insert(arguments.begin(), "tidemark-sync");
    return settings.parse(static_cast<int>(arguments.size()), arguments.data(), environment, out);
  }
  Problems problems(const std::vector<const char*>& arguments, const Environment& environment = {}) {
    try {
      parse(arguments, environment);
      return {};
    } catch (const ConfigError& error) {
      return error.problems();
    }
  }

  std::string repo = "none";
  Duration period = 10s;
  Bytes size{5 * 1024 * 1024};
  std::int64_t failures = 0;
  bool one_time = false;
  std::vector<std::string> include = {"*.md"};
  std::string password;
  std::string checkout = "full";
  std::ostringstream out;
  Settings settings{"tidemark-sync", "Publishes a repository.", "GITSYNC"};
};

}  // namespace

TEST_CASE("what nothing sets keeps its default") {
  Example example;
  CHECK(example.parse({}));
  CHECK(example.repo == "none");
  CHECK(example.period == 10s);
  CHECK(example.include == std::vector<std::string>{"*.md"});
  CHECK_FALSE(example.settings.was_set("repo"));
}

TEST_CASE("a flag wins over the environment, which wins over the file") {
  const File file("repo = \"from-file\"\nperiod = '3s'\nmax-failures = 3\n");
  Example example;
  CHECK(example.parse({"--repo", "from-flag", "--config", file.path.c_str()}, {{"GITSYNC_REPO", "from-variable"}, {"GITSYNC_PERIOD", "2s"}}));
  CHECK(example.repo == "from-flag");
  CHECK(example.period == 2s);
  CHECK(example.failures == 3);
  CHECK(example.settings.was_set("max-failures"));
}

TEST_CASE("the file may be named by its variable") {
  const File file("# a comment\n\nmax-file-size = 64KiB\none-time = true\ninclude = [\"*.md\", '*.rst']\n");
  Example example;
  CHECK(example.parse({}, {{"GITSYNC_CONFIG", file.path}}));
  CHECK(example.size == Bytes{65'536});
  CHECK(example.one_time);
  CHECK(example.include == std::vector<std::string>{"*.md", "*.rst"});
}

TEST_CASE("each spelling of a flag is read") {
  SUBCASE("separate") {
    Example e;
    e.parse({"--period", "1m"});
    CHECK(e.period == 1min);
  }
  SUBCASE("joined") {
    Example e;
    e.parse({"--period=1m"});
    CHECK(e.period == 1min);
  }
  SUBCASE("a negative number") {
    Example e;
    e.parse({"--max-failures", "-1"});
    CHECK(e.failures == -1);
  }
  SUBCASE("a value that begins with dashes") {
    Example e;
    e.parse({"--repo=--x"});
    CHECK(e.repo == "--x");
  }
  SUBCASE("an empty value does not swallow the next flag") {
    Example e;
    e.parse({"--repo=", "--period=1m"});
    CHECK(e.repo.empty());
    CHECK(e.period == 1min);
  }
  SUBCASE("a value with an equals sign") {
    Example e;
    e.parse({"--repo=a=b"});
    CHECK(e.repo == "a=b");
  }
  SUBCASE("a value in brackets") {
    Example e;
    e.parse({"--include", "[ab]"});
    CHECK(e.include == std::vector<std::string>{"[ab]"});
  }
  SUBCASE("a switch") {
    Example e;
    e.parse({"--one-time"});
    CHECK(e.one_time);
  }
  SUBCASE("a switch set off") {
    Example e;
    e.parse({"--one-time=false"}, {{"GITSYNC_ONE_TIME", "true"}});
    CHECK_FALSE(e.one_time);
  }
  SUBCASE("the last of several") {
    Example e;
    e.parse({"--period=1m", "--period=2m"});
    CHECK(e.period == 2min);
  }
  SUBCASE("a repeated list") {
    Example e;
    e.parse({"--include", "a,b", "--include", "c"});
    CHECK(e.include == std::vector<std::string>{"a,b", "c"});
  }
}

TEST_CASE("a list in a variable is split at commas") {
  Example example;
  example.parse({}, {{"GITSYNC_INCLUDE", "*.md,docs/**"}});
  CHECK(example.include == std::vector<std::string>{"*.md", "docs/**"});
}

TEST_CASE("an alias sets a value when the prefixed variable does not") {
  SUBCASE("alone") {
    Example e;
    e.parse({}, {{"GIT_SYNC_WAIT", "7s"}});
    CHECK(e.period == 7s);
  }
  SUBCASE("both") {
    Example e;
    e.parse({}, {{"GIT_SYNC_WAIT", "7s"}, {"GITSYNC_PERIOD", "8s"}});
    CHECK(e.period == 8s);
  }
}

TEST_CASE("an empty variable counts as unset") {
  Example example;
  example.parse({}, {{"GITSYNC_PERIOD", ""}});
  CHECK(example.period == 10s);
}

TEST_CASE("every problem of every source is reported at once") {
  const File file("perod = 1s\nmax-failures = many\nx\n");
  Example example;
  const auto problems = example.problems({"--perido", "3s", "--checkout=some", "--config", file.path.c_str()},
                                         {{"GITSYNC_PERIDO", "4s"}, {"GITSYNC_MAX_FILE_SIZE", "5 MB"}});
  CHECK(problems == Problems{
                        "--perido: no such flag; did you mean --period?",
                        "GITSYNC_PERIDO: no such setting; did you mean GITSYNC_PERIOD?",
                        file.path + ": line 3: not `name = value`",
                        file.path + ": perod: no such setting; did you mean period?",
                        "GITSYNC_MAX_FILE_SIZE: '5 MB' is not a size such as 512, 64KiB or 5MiB",
                        file.path + ": max-failures: 'many' is not a whole number",
                        "--checkout: not one of full, none",
                    });
}

TEST_CASE("an unknown word without a near name gets no guess") {
  Example example;
  CHECK(example.problems({"--frobnicate-the-widget"}) == Problems{"--frobnicate-the-widget: no such flag"});
}

TEST_CASE("a single dash is named with the flag that was meant") {
  Example example;
  CHECK(example.problems({"-repo", "x"}) == Problems{"-repo: no such flag; did you mean --repo?"});
}

TEST_CASE("a stray argument is refused") {
  Example example;
  CHECK(example.problems({"stray"}) == Problems{"stray: unexpected argument"});
}

TEST_CASE("a flag without its value is refused") {
  Example example;
  CHECK(example.problems({"--period"}) == Problems{"--period: needs a value"});
}

TEST_CASE("the value of an unknown flag is not shown, since it may be a secret") {
  Example example;
  CHECK(example.problems({"--password", "hunter2"}) == Problems{"--password: no such flag"});
  Example joined;
  CHECK(joined.problems({"--password=hunter2"}) == Problems{"--password: no such flag"});
}

TEST_CASE("a secret without a flag is read from its variable only") {
  Example example;
  example.parse({}, {{"GITSYNC_PASSWORD", "hunter2"}});
  CHECK(example.password == "hunter2");
  const File file("password = hunter2\n");
  Example other;
  CHECK(other.problems({"--config", file.path.c_str()}) == Problems{file.path + ": password: no such setting"});
}

TEST_CASE("the variables that Kubernetes makes for a Service of the same name are left alone") {
  Example example;
  CHECK(example
            .problems({}, {{"GITSYNC_SERVICE_HOST", "10.0.0.1"},
                           {"GITSYNC_SERVICE_PORT", "80"},
                           {"GITSYNC_SERVICE_PORT_HTTP", "80"},
                           {"GITSYNC_PORT", "tcp://10.0.0.1:80"},
                           {"GITSYNC_PORT_80_TCP", "tcp://10.0.0.1:80"},
                           {"GITSYNC_PORT_80_TCP_PROTO", "tcp"},
                           {"GITSYNC_PORT_80_TCP_PORT", "80"},
                           {"GITSYNC_PORT_80_TCP_ADDR", "10.0.0.1"}})
            .empty());
}

TEST_CASE("a file that cannot be read is a problem of its own") {
  Example example;
  CHECK(example.problems({"--config", "/nonexistent/file"}) == Problems{"/nonexistent/file: the settings file cannot be read"});
}

TEST_CASE("a file's value with a hash, a comma in quotes or an equals sign stays whole") {
  const File file("repo = \"https://host/a#b,c=d\"\n");
  Example example;
  CHECK(example.problems({"--config", file.path.c_str()}).empty());
  CHECK(example.repo == "https://host/a#b,c=d");
}

TEST_CASE("a setting twice in a file, a section or two values where one is wanted are refused") {
  SUBCASE("twice") {
    const File file("repo = a\nperiod = 1s\nrepo = b\n");
    Example example;
    CHECK(example.problems({"--config", file.path.c_str()}) == Problems{file.path + ": repo: is set twice"});
  }
  SUBCASE("two values") {
    const File file("period = 1s # often\n");
    Example example;
    CHECK(example.problems({"--config", file.path.c_str()}).size() == 1);
  }
  SUBCASE("section") {
    const File file("[sync]\nperiod = 1s\n");
    Example example;
    CHECK_FALSE(example.problems({"--config", file.path.c_str()}).empty());
  }
}

TEST_CASE("rules are asked after all is read, and all of them") {
  Example example;
  example.settings.check(
      [&]() -> std::optional<std::string> { return example.repo == "none" ? std::optional<std::string>("--repo is needed") : std::nullopt; });
  example.settings.check([&]() -> std::optional<std::string> { return "--period is too short"; });
  CHECK(example.problems({}) == Problems{"--repo is needed", "--period is too short"});
  CHECK(example.problems({"--repo", "x"}) == Problems{"--period is too short"});
}

TEST_CASE("--help and --version answer and end, whatever else is wrong") {
  Example help;
  CHECK_FALSE(help.parse({"--nonsense", "--help"}));
  const std::string text = help.out.str();
  CHECK(text.find("--max-file-size SIZE") != std::string::npos);
  CHECK(text.find("default 5MiB; GITSYNC_MAX_FILE_SIZE") != std::string::npos);
  CHECK(text.find("GITSYNC_PASSWORD") != std::string::npos);
  CHECK(text.find("--password") == std::string::npos);
  CHECK(text == help.settings.help());

  Example version;
  CHECK_FALSE(version.parse({"--version"}));
  CHECK(version.out.str().starts_with("tidemark-sync "));
}

TEST_CASE("--help=markdown prints a table with a row for each setting") {
  Example example;
  CHECK_FALSE(example.parse({"--help=markdown"}));
  CHECK(example.out.str() == example.settings.markdown());
  CHECK(example.out.str() ==
        "| flag | default | meaning |\n"
        "|---|---|---|\n"
        "| `--config FILE` |  | read settings from this file too: lines of `name = value` |\n"
        "| `--repo TEXT` | `none` | what to clone |\n"
        "| `--period DURATION` | `10s` | between polls |\n"
        "| `--max-file-size SIZE` | `5MiB` | larger files are skipped |\n"
        "| `--max-failures NUMBER` | `0` | negative = for ever |\n"
        "| `--one-time` | `false` | exit after the first |\n"
        "| `--include PATTERN` | `*.md` | patterns |\n"
        "| `GITSYNC_PASSWORD` |  | for HTTP |\n"
        "| `--checkout VALUE` | `full` | full\\|none |\n");
}

TEST_CASE("a secret's file gives its first line") {
  CHECK(read_secret_file(File("s3cret\n").path) == "s3cret");
  CHECK(read_secret_file(File("s3cret\r\nmore").path) == "s3cret");
}

TEST_CASE("an unreadable, empty or oversized secret's file is a transient error that names the file and not its content") {
  CHECK_THROWS_AS(read_secret_file("/nonexistent/secret"), TransientError);
  CHECK_THROWS_AS(read_secret_file("/"), TransientError);
  CHECK_THROWS_AS(read_secret_file(File("").path), TransientError);
  CHECK_THROWS_AS(read_secret_file(File("\nsecond line").path), TransientError);
  const File large(std::string(64 * 1024 + 1, 'x'));
  CHECK_THROWS_WITH_AS(read_secret_file(large.path), ("the secret file '" + large.path + "' is over 64 KiB").c_str(), TransientError);
}
