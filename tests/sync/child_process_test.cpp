#include "sync/hooks/child_process.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/error.hpp"
#include "support/temporary_directory.hpp"
#include "sync/hooks/exec_hook.hpp"
#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::sync;
using namespace tidemark::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  TemporaryDirectory directory;
  ChildProcesses children;
  std::vector<std::string> lines;
  Duration timeout = 30s;
  Environment environment{{"PATH", "/usr/local/bin:/usr/bin:/bin"}};

  std::string script(const std::string& text) {
    const fs::path path = directory / "script";
    write_file(path, "#!/bin/sh\n" + text + "\n");
    ::chmod(path.c_str(), 0755);
    return path.string();
  }
  // Nothing, or why it failed.
  std::optional<std::string> run(const std::string& path, std::stop_token stop = {}) {
    try {
      children.run({path, directory.path(), environment, timeout}, [&](std::string_view line) { lines.emplace_back(line); }, std::move(stop));
      return std::nullopt;
    } catch (const TransientError& error) {
      return error.what();
    }
  }
  std::string said() const {
    std::string text;
    for (const auto& line : lines) text += line + "|";
    return text;
  }
};

bool contains(const std::optional<std::string>& text, const std::string& part) { return text && text->find(part) != std::string::npos; }

bool is_gone(pid_t pid) {
  for (const auto deadline = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < deadline; std::this_thread::yield())
    if (::kill(pid, 0) != 0) return true;
  return false;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a program runs in its folder with just its environment, and its output is lines of both streams") {
  environment["WORD"] = "one two";
  CHECK_FALSE(run(script("pwd; echo \"$WORD\" >&2; env | cut -d= -f1 | grep -cv '^_$\\|^PWD$\\|^SHLVL$\\|^OLDPWD$'; printf unfinished")));
  CHECK(said() == fs::canonical(directory.path()).string() + "|one two|2|unfinished|");
}

TEST_CASE_FIXTURE(Fixture, "an exit code, a signal and a program that is not there are told apart") {
  CHECK(contains(run(script("exit 3")), "exit code 3"));
  CHECK(contains(run(script("kill -TERM $$")), "signal 15"));
  CHECK(contains(run("/no/such/program"), "No such file"));
  CHECK(contains(run("no-such-program-in-the-path"), "No such file"));
  write_file(directory / "plain", "echo");
  CHECK(contains(run((directory / "plain").string()), "Permission denied"));
}

TEST_CASE_FIXTURE(Fixture, "a path with a slash is relative to the folder, and one without is looked for in PATH") {
  script("echo here");
  CHECK_FALSE(run("./script"));
  CHECK(said() == "here|");
  CHECK_FALSE(run("true"));
}

TEST_CASE_FIXTURE(Fixture, "there is no shell for what is no program") {
  write_file(directory / "text", "echo hello\n");
  ::chmod((directory / "text").c_str(), 0755);
  CHECK(contains(run((directory / "text").string()), "Exec format error"));
}

TEST_CASE_FIXTURE(Fixture, "at the timeout the whole process group is killed") {
  timeout = 200ms;
  const auto start = std::chrono::steady_clock::now();
  CHECK(contains(run(script("sleep 1000 & echo $!; echo $$; trap '' TERM; wait; sleep 1000")), "longer than 200ms"));
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  REQUIRE(lines.size() == 2);
  for (const auto& line : lines) CHECK(is_gone(static_cast<pid_t>(std::stol(line))));
}

TEST_CASE_FIXTURE(Fixture, "a stop ends it at once") {
  std::stop_source stop;
  std::optional<std::string> outcome;
  std::thread runner([&] { outcome = run(script("sleep 1000"), stop.get_token()); });
  stop.request_stop();
  runner.join();
  CHECK(contains(outcome, "ends"));
}

TEST_CASE_FIXTURE(Fixture, "what is left running in the background is not waited for") {
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(run(script("sleep 1000 & echo $!")));
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  REQUIRE(lines.size() == 1);
  ::kill(static_cast<pid_t>(std::stol(lines[0])), SIGKILL);
}

TEST_CASE_FIXTURE(Fixture, "however much it writes, it neither stops nor fills the log") {
  CHECK_FALSE(run(script("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done")));
  CHECK(lines.size() == 101);
  CHECK(lines.back() == "(218900 more bytes of output)");
}

TEST_CASE_FIXTURE(Fixture, "a flood of output holds up neither its end nor its time limit") {
  const auto start = std::chrono::steady_clock::now();
  timeout = 300ms;
  CHECK(contains(run(script("yes & yes & yes & exec yes")), "took longer"));
  CHECK_FALSE(run(script("setsid yes & setsid yes & setsid yes & exit 0")));  // they end with the pipe
  CHECK(std::chrono::steady_clock::now() - start < 10s);
}

TEST_CASE_FIXTURE(Fixture, "a line without an end is cut") {
  CHECK_FALSE(run(script("head -c 10000 /dev/zero | tr '\\0' x")));
  CHECK(lines.size() == 5);
  CHECK(lines.front().size() == 2048);
}

TEST_CASE_FIXTURE(Fixture, "signals that are blocked or ignored here are not so in the program, and no descriptor is handed on") {
  ::signal(SIGPIPE, SIG_IGN);
  CHECK_FALSE(run(script("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'; ls /proc/self/fd | wc -l")));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "SigBlk:0000000000000000");
  CHECK(lines[1].ends_with("0000000"));  // the signals 1 to 28; the C library keeps two higher ones for itself
  CHECK(lines[2] == "4");                // ls itself opens the fourth
}

TEST_CASE("a hook is told the revision, and none of our secrets") {
  const Environment ours{{"PATH", "/bin"},
                         {"GITSYNC_PASSWORD", "s"},
                         {"GIT_SYNC_PASSWORD", "s"},
                         {"GITSYNC_PASSWORD_FILE", "/file"},
                         {"GITSYNC_GITHUB_APP_PRIVATE_KEY", "s"},
                         {"GITSYNC_CREDENTIAL", "s"},
                         {"GITSYNC_ASKPASS_URL", "http://u:s@h/"},
                         {"GIT_ASKPASS_URL", "http://u:s@h/"},
                         {"GITSYNC_REPO", "https://u:s@host/x"},
                         {"MY_TOKEN", "mine"}};
  const auto environment = hook_environment(ours, {"c2", "refs/heads/main", "c1"});
  CHECK(environment == Environment{{"PATH", "/bin"},
                                   {"GITSYNC_PASSWORD_FILE", "/file"},
                                   {"GITSYNC_REPO", "https://REDACTED@host/x"},
                                   {"MY_TOKEN", "mine"},
                                   {"GITSYNC_HASH", "c2"},
                                   {"TIDEMARK_REF", "refs/heads/main"},
                                   {"TIDEMARK_PREVIOUS", "c1"}});
  CHECK_FALSE(hook_environment({}, {"c1", "main", ""}).contains("TIDEMARK_PREVIOUS"));
}
