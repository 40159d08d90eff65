#include "daemon/net_socket.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <system_error>

#include "daemon/error.hpp"

namespace tidemark {

namespace {

constexpr int backlog = 256;

std::string shown(const ListenAddress& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const ListenAddress& address, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) found = nullptr;
  return {found, freeaddrinfo};
}

// Nothing and errno set when it can't be bound.
Descriptor bind_one(const addrinfo& info) {
  Descriptor socket(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return {};
  const int on = 1;
  const int off = 0;
  // On Linux this only lets a restart pass over connections that linger; a second listener is still refused.
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info.ai_family == AF_INET6) setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(socket.get(), info.ai_addr, info.ai_addrlen) != 0 || listen(socket.get(), backlog) != 0) {
    const int error = errno;
    socket = Descriptor();
    errno = error;
    return {};
  }
  return socket;
}

sockaddr_storage local_address(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) address.ss_family = AF_UNSPEC;
  return address;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor listen_on(const ListenAddress& address) {
  int error = 0;
  // Every address: one IPv6 socket takes both families, unless the system has no IPv6. A name: IPv4 first.
  const std::array<int, 2> families = address.host.empty() ? std::array{AF_INET6, AF_INET} : std::array{AF_INET, AF_INET6};
  for (const int family : families) {
    const Addresses found = resolve(address, family);
    if (!found) continue;
    if (Descriptor socket = bind_one(*found)) return socket;
    error = errno;
    if (error == EADDRINUSE) break;
  }
  const std::string start = "cannot listen on " + shown(address) + ": ";
  if (error == 0) throw ConfigError(start + "no such host");
  std::string reason = std::generic_category().message(error);
  reason.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(reason.front())));
  if (error == EADDRINUSE) reason += " (another process holds the port: stop it or choose another port)";
  throw ConfigError(start + reason);
}

int bound_port(int socket) {
  const sockaddr_storage address = local_address(socket);
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

std::string local_host(int socket) {
  const sockaddr_storage address = local_address(socket);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
    return text.data();
  }
  if (address.ss_family != AF_INET6) return "";
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ip)) {
    inet_ntop(AF_INET, &ip.s6_addr[12], text.data(), text.size());
    return text.data();
  }
  inet_ntop(AF_INET6, &ip, text.data(), text.size());
  return "[" + std::string(text.data()) + "]";
}

bool has_hung_up(int socket) {
  pollfd watched{socket, POLLRDHUP, 0};
  return poll(&watched, 1, 0) > 0;
}

Descriptor make_event() {
  Descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
  return event;
}

Waited wait_for(int socket, short events, int interrupt, std::chrono::steady_clock::time_point deadline) {
  std::array<pollfd, 2> watched{{{socket, events, 0}, {interrupt, POLLIN, 0}}};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    const int ready = poll(watched.data(), watched.size(), timeout);
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (ready <= 0 && left <= 0) return Waited::deadline;
    if (ready <= 0) continue;
    return watched[1].revents != 0 ? Waited::interrupted : Waited::ready;
  }
}

}  // namespace tidemark
