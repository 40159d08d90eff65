#include "daemon/http_listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace tidemark {

struct HttpListener::Connection {
  Connection(Descriptor s, int interrupt, Clock::time_point d) : socket(std::move(s)), http{socket.get(), interrupt, {}}, deadline(d) {}
  // Whether what arrived begins with a whole head. Not searched twice.
  bool has_head() {
    const auto end = http.input.find("\r\n\r\n", searched);
    searched = http.input.size() < 3 ? 0 : http.input.size() - 3;
    return end != std::string::npos;
  }

  Descriptor socket;
  HttpConnection http;
  Clock::time_point deadline;
  std::size_t searched = 0;
};

HttpListener::HttpListener(Descriptor listening, Bounds bounds, const HttpExchange& exchange, WorkerPool& workers, Log& log)
    : listening_(std::move(listening)), bounds_(bounds), exchange_(exchange), workers_(workers), log_(log), thread_([this] { run(); }) {}

HttpListener::~HttpListener() { stop(); }

void HttpListener::stop() {
  if (!thread_.joinable()) return;
  eventfd_write(stopping_.get(), 1);
  thread_.join();
  listening_ = Descriptor();
  waiting_.clear();
}

void HttpListener::run() {
  while (wait_for(stopping_.get(), POLLIN, -1, Clock::now()) != Waited::ready) {
    try {
      wait_for_events();
      take_returned();
      close_expired();
    } catch (const std::exception& error) {
      log_.error("cannot serve a connection", {{"error", error.what()}});
    }
  }
}

HttpListener::Clock::time_point HttpListener::next_deadline() const {
  auto deadline = Clock::now() + std::chrono::hours(1);
  if (accept_again_ > Clock::now()) deadline = accept_again_;
  for (const auto& connection : waiting_) deadline = std::min(deadline, connection->deadline);
  return deadline;
}

void HttpListener::wait_for_events() {
  std::vector<pollfd> watched{{stopping_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
  if (accept_again_ > Clock::now()) watched[2].fd = -1;
  for (const auto& connection : waiting_) watched.push_back({connection->http.socket, POLLIN, 0});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_deadline() - Clock::now()).count();
  if (poll(watched.data(), watched.size(), static_cast<int>(std::max<std::int64_t>(left, 0))) < 0) {
    if (errno == EINTR) return;
    throw std::system_error(errno, std::generic_category(), "poll");
  }
  auto next = waiting_.begin();
  for (std::size_t i = 3; i < watched.size(); ++i) {
    const auto current = next++;
    if (watched[i].revents == 0) continue;
    ConnectionPointer connection = std::move(*current);
    waiting_.erase(current);
    if (receive(*connection)) handle(std::move(connection));
  }
  if (watched[2].revents != 0) accept_all();
}

// At the limit the connection that would be closed first for its silence makes room.
void HttpListener::accept_all() {
  while (true) {
    Descriptor socket(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      const bool out_of_descriptors = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (out_of_descriptors) {
        accept_again_ = Clock::now() + std::chrono::milliseconds(100);
        log_.warning("cannot accept a connection", {{"error", std::generic_category().message(errno)}});
      }
      return;  // EAGAIN, or the peer of one connection is gone: poll says when there is more
    }
    std::size_t busy = 0;
    {
      const std::lock_guard lock(mutex_);
      busy = busy_;
    }
    if (waiting_.size() + busy >= bounds_.max_connections) {
      const auto oldest = std::min_element(waiting_.begin(), waiting_.end(), [](const auto& a, const auto& b) { return a->deadline < b->deadline; });
      if (oldest == waiting_.end()) {
        refuse(socket.get(), problem(503, "overloaded", "Service Unavailable", "The server has too many connections."));
        continue;
      }
      waiting_.erase(oldest);
    }
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    waiting_.push_back(std::make_unique<Connection>(std::move(socket), stopping_.get(), Clock::now() + bounds_.head_timeout));
  }
}

// Takes what has arrived. False when the peer is gone.
bool HttpListener::receive(Connection& connection) {
  std::string& input = connection.http.input;
  const std::size_t had = input.size();
  constexpr std::size_t piece = 4 * 1024;
  input.resize(had + piece);
  const ssize_t received = recv(connection.http.socket, input.data() + had, piece, 0);
  const int error = errno;
  input.resize(had + static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
  if (received > 0 && had == 0) connection.deadline = Clock::now() + bounds_.head_timeout;
  return received > 0 || (received < 0 && (error == EAGAIN || error == EINTR));
}

void HttpListener::handle(ConnectionPointer connection) {
  if (connection->has_head()) {
    dispatch(std::move(connection));
  } else if (connection->http.input.size() > max_head_bytes) {
    refuse(connection->http.socket, problem(431, "head-too-large", "Request Header Fields Too Large", "A request's head may have 24 KiB."));
  } else {
    waiting_.push_back(std::move(connection));
  }
}

void HttpListener::dispatch(ConnectionPointer connection) {
  {
    const std::lock_guard lock(mutex_);
    ++busy_;
  }
  // std::function wants a copyable job.
  auto shared = std::make_shared<ConnectionPointer>(std::move(connection));
  if (workers_.submit([this, shared] { serve(std::move(*shared)); })) return;
  {
    const std::lock_guard lock(mutex_);
    --busy_;
  }
  refuse((*shared)->http.socket, problem(503, "overloaded", "Service Unavailable", "The server has too much to do: try again."));
}

void HttpListener::serve(ConnectionPointer connection) {
  bool keep = false;
  try {
    const bool stopping = wait_for(stopping_.get(), POLLIN, -1, Clock::now()) == Waited::ready;
    keep = exchange_.serve(connection->http, stopping);
  } catch (const std::exception& error) {
    log_.error("cannot answer a request", {{"error", error.what()}});
  }
  connection->searched = 0;
  if (!keep) connection.reset();
  give_back(std::move(connection));
}

// A null pointer: the connection was closed.
void HttpListener::give_back(ConnectionPointer connection) {
  const std::lock_guard lock(mutex_);
  --busy_;
  if (!connection) return;
  connection->deadline = Clock::now() + bounds_.idle_timeout;
  returned_.push_back(std::move(connection));
  eventfd_write(wake_.get(), 1);
}

void HttpListener::take_returned() {
  std::vector<ConnectionPointer> returned;
  {
    const std::lock_guard lock(mutex_);
    returned.swap(returned_);
    eventfd_t count = 0;
    if (!returned.empty()) eventfd_read(wake_.get(), &count);
  }
  for (auto& connection : returned) handle(std::move(connection));  // the next request may have come with the last one
}

void HttpListener::close_expired() {
  const auto now = Clock::now();
  waiting_.remove_if([&](const ConnectionPointer& connection) {
    if (connection->deadline > now) return false;
    if (!connection->http.input.empty()) {
      refuse(connection->http.socket, problem(408, "timeout", "Request Timeout", "The request's head did not arrive in time."));
    }
    return true;
  });
}

}  // namespace tidemark
