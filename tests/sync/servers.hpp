// Real git servers over a folder of bare repositories.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/certificates.hpp"
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
  GitHttpServer(const std::filesystem::path& root, std::vector<std::string> options = {})
      : scheme_(std::ranges::find(options, "--certificate") == options.end() ? "http://" : "https://"), process_(arguments(root, std::move(options))), port_(process_.read_line()) {
    if (port_.empty()) throw std::runtime_error("the git server did not start");
  }
  std::string url(const std::string& name, const std::string& user_info = "") const {
    return scheme_ + (user_info.empty() ? "" : user_info + "@") + "127.0.0.1:" + port_ + "/" + name;
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

  std::string scheme_;
  ServerProcess process_;
  std::string port_;
};

// What a GitHttpServer with `--log FILE` was asked since the last take().
class RequestLog {
 public:
  explicit RequestLog(std::filesystem::path file) : file_(std::move(file)) {}
  std::string file() const { return file_.string(); }
  std::vector<nlohmann::json> take() {
    std::vector<nlohmann::json> requests;
    std::ifstream in(file_);
    in.seekg(taken_);
    for (std::string line; std::getline(in, line);) {
      if (in.eof()) break;  // the server is still writing it
      requests.push_back(nlohmann::json::parse(line));
      taken_ += static_cast<std::streamoff>(line.size() + 1);
    }
    return requests;
  }

 private:
  std::filesystem::path file_;
  std::streamoff taken_ = 0;
};

// tests/servers/forward_proxy.py.
class ForwardProxy {
 public:
  explicit ForwardProxy(std::vector<std::string> options = {}) : process_(arguments(std::move(options))), port_(process_.read_line()) {}
  std::string url(const std::string& user_info = "") const { return "http://" + (user_info.empty() ? "" : user_info + "@") + "127.0.0.1:" + port_; }
  // The next request that it got: "GET http://host/x -".
  std::string next_request() { return process_.read_line(); }

 private:
  static std::vector<std::string> arguments(std::vector<std::string> options) {
    options.insert(options.begin(), {"python3", TIDEMARK_TESTS_FOLDER "/servers/forward_proxy.py"});
    return options;
  }

  ServerProcess process_;
  std::string port_;
};

// nghttpx: HTTP/2 over TLS in front of a server that speaks HTTP/1.1. It says so in `Via`.
class Http2Proxy {
 public:
  Http2Proxy(const Certificate& certificate, const std::string& backend_port)
      : port_(free_port()),
        process_({"nghttpx", "--conf=/dev/null", "--frontend=127.0.0.1," + std::to_string(port_), "--backend=127.0.0.1," + backend_port, "--workers=1", "--log-level=ERROR",
                  certificate.key.string(), certificate.certificate.string()},
                 true) {
    process_.wait_for_port(port_);
  }
  std::string url(const std::string& name) const { return "https://127.0.0.1:" + std::to_string(port_) + "/" + name; }

 private:
  int port_;
  ServerProcess process_;
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
