// tests/servers/fault_proxy.py as a C++ test uses it; what its rules can do stands there.
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "daemon/http_client.hpp"
#include "support/server_process.hpp"

namespace tidemark::testing {

class FaultProxy {
 public:
  explicit FaultProxy(const std::string& upstream) : process_({"python3", TIDEMARK_TESTS_FOLDER "/servers/fault_proxy.py", "--upstream", upstream}) {
    std::istringstream ports(process_.read_line());
    ports >> port_ >> control_port_;
  }

  std::string url() const { return "http://127.0.0.1:" + port_; }

  // These instead of the present ones: {{{"do", "reset-after"}, {"path", "_bulk"}, {"times", 1}}}.
  void rules(const nlohmann::json& rules) { command("PUT", "/rules", rules); }
  int hits(std::size_t rule) { return command("GET", "/rules").at(rule).at("hits"); }
  void refuse(bool on) { command("PUT", "/refuse", on); }
  void await_held(int count) {
    const int held = command("GET", "/held?count=" + std::to_string(count)).at("held");
    if (held < count) throw std::runtime_error(std::to_string(held) + " of " + std::to_string(count) + " requests are held");
  }
  nlohmann::json release() { return command("POST", "/release"); }
  nlohmann::json counts() { return command("GET", "/counts"); }
  void forget_counts() { command("DELETE", "/counts"); }

 private:
  nlohmann::json command(const std::string& method, const std::string& path, const nlohmann::json& value = nullptr) {
    const std::string body = value.is_null() ? "" : value.dump();
    const auto answer =
        client_.call({.method = method, .url = "http://127.0.0.1:" + control_port_ + path, .body = body, .timeout = std::chrono::seconds(60)});
    if (answer.status != 200) throw std::runtime_error("the fault proxy answered " + std::to_string(answer.status) + ": " + answer.body);
    return nlohmann::json::parse(answer.body);
  }

  ServerProcess process_;
  std::string port_;
  std::string control_port_;
  HttpClient client_;
};

}  // namespace tidemark::testing
