// Running another program in a test, without a shell in between.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

extern char** environ;

namespace tidemark::testing {

struct CommandResult {
  int status = 0;  // the exit code, or 128 + signal
  std::string output;
};

inline std::vector<char*> c_strings(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Runs `arguments` with `input` on standard input and gives its standard output; standard error stays the test's. `environment` ("NAME=value") is added to ours.
inline CommandResult run_any(const std::vector<std::string>& arguments, std::string_view input = {}, const std::vector<std::string>& environment = {}) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
  pid_t pid = 0;
  const int spawned = posix_spawnp(&pid, arguments.at(0).c_str(), &actions, nullptr, c_strings(arguments).data(), c_strings(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (spawned != 0) throw std::runtime_error("cannot start " + arguments.at(0));
  std::thread writer([&] {
    while (!input.empty()) {
      const ssize_t count = write(in[1], input.data(), input.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      input.remove_prefix(static_cast<std::size_t>(count));
    }
    close(in[1]);
  });
  CommandResult result;
  char buffer[65536];
  while (true) {
    const ssize_t count = read(out[0], buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    result.output.append(buffer, static_cast<std::size_t>(count));
  }
  close(out[0]);
  writer.join();
  int status = 0;
  waitpid(pid, &status, 0);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

// The same; throws when the program fails.
inline std::string run(const std::vector<std::string>& arguments, std::string_view input = {}, const std::vector<std::string>& environment = {}) {
  auto result = run_any(arguments, input, environment);
  if (result.status == 0) return std::move(result.output);
  std::string line;
  for (const auto& argument : arguments) line += " " + argument;
  throw std::runtime_error("exit code " + std::to_string(result.status) + " from" + line);
}

inline std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace tidemark::testing
