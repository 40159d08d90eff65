// tests/servers/echo_server.py, started and ended.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/server_process.hpp"

namespace tidemark::testing {

class EchoServer {
 public:
  explicit EchoServer(std::vector<std::string> options = {}) : process_(arguments(std::move(options))), port_(process_.read_line()) {}
  std::string url(const std::string& path = "", const std::string& scheme = "http") const { return scheme + "://127.0.0.1:" + port_ + path; }
  int port() const { return std::stoi(port_); }

 private:
  static std::vector<std::string> arguments(std::vector<std::string> options) {
    options.insert(options.begin(), {"python3", TIDEMARK_TESTS_FOLDER "/servers/echo_server.py"});
    return options;
  }

  ServerProcess process_;
  std::string port_;
};

}  // namespace tidemark::testing
