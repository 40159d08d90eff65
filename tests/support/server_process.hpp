// A server program for a test: started, waited for, ended by its own pid.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/command.hpp"

namespace tidemark::testing {

inline int connected_socket(int port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return descriptor;
  close(descriptor);
  return -1;
}

// A port that was free a moment ago, for programs that cannot choose one themselves.
inline int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("cannot bind a port");
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  close(descriptor);
  return ntohs(address.sin_port);
}

class ServerProcess {
 public:
  // Standard output can be read line by line; standard error stays the test's unless `quiet`.
  explicit ServerProcess(const std::vector<std::string>& arguments, bool quiet = false, const std::vector<std::string>& environment = {}) {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (quiet) posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<std::string> variables = environment;
    for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
    const int spawned = posix_spawnp(&pid_, arguments.at(0).c_str(), &actions, &attributes, c_strings(arguments).data(), c_strings(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(out[1]);
    output_ = out[0];
    if (spawned != 0) throw std::runtime_error("cannot start " + arguments.at(0));
  }
  ~ServerProcess() {
    // Its children too: they are in its process group.
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(output_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }

  std::string read_line() {
    std::string line;
    char c = 0;
    while (wait_readable() && read(output_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

  // Until it accepts connections, at most 10 s.
  void wait_for_port(int port) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      if (const int descriptor = connected_socket(port); descriptor >= 0) {
        close(descriptor);
        return;
      }
      if (waitpid(pid_, nullptr, WNOHANG) != 0) throw std::runtime_error("the server ended early");
      poll(nullptr, 0, 10);
    }
    throw std::runtime_error("no server on port " + std::to_string(port));
  }

 private:
  bool wait_readable() const {
    pollfd waiting = {output_, POLLIN, 0};
    return poll(&waiting, 1, 10'000) == 1;
  }

  pid_t pid_ = 0;
  int output_ = -1;
};

}  // namespace tidemark::testing
