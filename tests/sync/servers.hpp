// Real git servers over a folder of bare repositories.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/server_process.hpp"

namespace tidemark::testing {

class GitDaemon {
 public:
  explicit GitDaemon(const std::filesystem::path& root)
      : port_(free_port()),
        process_({"git", "-c", "safe.directory=*", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", "--port=" + std::to_string(port_), "--base-path=" + root.string(), root.string()},
                 true) {
    process_.wait_for_port(port_);
  }
  std::string url(const std::string& name) const { return "git://127.0.0.1:" + std::to_string(port_) + "/" + name; }

 private:
  int port_;
  ServerProcess process_;
};

class GitHttpServer {
 public:
  GitHttpServer(const std::filesystem::path& root, std::vector<std::string> options = {}) : process_(arguments(root, std::move(options))), port_(process_.read_line()) {}
  std::string url(const std::string& name, const std::string& user_info = "") const {
    return "http://" + (user_info.empty() ? "" : user_info + "@") + "127.0.0.1:" + port_ + "/" + name;
  }
  std::string port() const { return port_; }
  // With --hang: until a request hangs that did not hang at the last call.
  void wait_for_hang() {
    if (process_.read_line() != "hanging") throw std::runtime_error("the server did not hang");
  }

 private:
  static std::vector<std::string> arguments(const std::filesystem::path& root, std::vector<std::string> options) {
    std::vector<std::string> result = {"python3", TIDEMARK_TESTS_FOLDER "/servers/git_http_server.py", "--root", root.string()};
    result.insert(result.end(), options.begin(), options.end());
    return result;
  }

  ServerProcess process_;
  std::string port_;
};

// sshd with keys of its own; `authorized` are the public key files that may log in, as the user who runs the test.
class SshServer {
 public:
  SshServer(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& authorized, const std::vector<std::string>& host_key_kinds = {"ed25519"})
      : folder_(folder), port_(free_port()), process_(arguments(folder, authorized, host_key_kinds, port_), true) {
    process_.wait_for_port(port_);
  }

  int port() const { return port_; }
  // A known_hosts line for one of its keys.
  std::string known_host(const std::string& kind = "ed25519") const {
    std::string key;
    std::getline(std::ifstream(folder_ / ("host_" + kind + ".pub")), key);
    return "[127.0.0.1]:" + std::to_string(port_) + " " + key + "\n";
  }
  std::string url(const std::filesystem::path& repository) const {
    return "ssh://" + trimmed(run({"id", "-un"})) + "@127.0.0.1:" + std::to_string(port_) + repository.string();
  }

  static void make_key(const std::filesystem::path& file, const std::string& kind = "ed25519", const std::string& passphrase = "") {
    run({"ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", file.string()});
  }

 private:
  static std::vector<std::string> arguments(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& authorized,
                                            const std::vector<std::string>& kinds, int port) {
    std::ofstream keys(folder / "authorized_keys");
    for (const auto& file : authorized) keys << std::ifstream(file).rdbuf();
    keys.close();
    std::ofstream config(folder / "sshd_config");
    config << "ListenAddress 127.0.0.1\nPort " << port << "\nAuthorizedKeysFile " << (folder / "authorized_keys").string()
           << "\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\nMaxAuthTries 10\n";
    for (const auto& kind : kinds) {
      make_key(folder / ("host_" + kind), kind);
      config << "HostKey " << (folder / ("host_" + kind)).string() << "\n";
    }
    config.close();
    std::filesystem::create_directories("/run/sshd");
    return {"/usr/sbin/sshd", "-D", "-e", "-f", (folder / "sshd_config").string()};
  }

  std::filesystem::path folder_;
  int port_;
  ServerProcess process_;
};

}  // namespace tidemark::testing
