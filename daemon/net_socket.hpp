// Sockets of a server: descriptors that close themselves, binding, waiting.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "daemon/http_server.hpp"

namespace tidemark {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A listening socket that shares its port with nobody. An empty host means every address of both families. Throws ConfigError.
Descriptor listen_on(const ListenAddress& address);
int bound_port(int socket);
// The address that the peer connected to, as a Host header spells it: "10.0.0.7", "[fd00::7]"; IPv4 in IPv6 as IPv4. "" if unknown.
std::string local_host(int socket);

// The peer has closed its end, or the connection is broken.
bool has_hung_up(int socket);

// Throws std::system_error.
Descriptor make_event();

enum class Waited { ready, interrupted, deadline };
// Until `socket` has one of `events` (or an error), `interrupt` (-1 = none) is readable, or the deadline. Looks at least once.
Waited wait_for(int socket, short events, int interrupt, std::chrono::steady_clock::time_point deadline);

}  // namespace tidemark
