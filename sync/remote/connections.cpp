// An alarm or a stop shuts the sockets, which ends any call that waits on them, libssh2's included. Names are looked up on a thread of their own,
// as nothing else can end getaddrinfo.
#include "sync/remote/connections.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include "git/libgit2.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t max_hanging_lookups = 2;

// libgit2's stream factory has no payload.
thread_local Connections* current = nullptr;

// libgit2's ssh transport takes the descriptor from behind the two pointers, as its own socket stream has it (streams/socket.h, the same from 0.23
// to 1.9).
struct Stream {
  git_stream parent = {};
  char* host_pointer = nullptr;
  char* port_pointer = nullptr;
  int descriptor = -1;
  Connections* connections = nullptr;
  std::string host;
  std::string port;
};

Stream* of(git_stream* stream) { return reinterpret_cast<Stream*>(stream); }

int stream_connect(git_stream* stream) {
  Stream* self = of(stream);
  self->descriptor = self->connections->connect(self->host, self->port);
  return self->descriptor < 0 ? -1 : 0;
}

// A server that answers in several small writes waits for our acknowledgement between them (Nagle's algorithm), which Linux would hold back for 40
// ms. It takes the option back by itself (tcp(7)).
void acknowledge_at_once(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

ssize_t stream_read(git_stream* stream, void* data, std::size_t size) {
  Stream* self = of(stream);
  acknowledge_at_once(self->descriptor);
  while (true) {
    const ssize_t count = recv(self->descriptor, data, size, 0);
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    self->connections->fail("receive from " + self->host + ": " + std::strerror(errno));
    return -1;
  }
}

ssize_t stream_write(git_stream* stream, const char* data, std::size_t size, int) {
  Stream* self = of(stream);
  while (true) {
    const ssize_t count = send(self->descriptor, data, size, MSG_NOSIGNAL);
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    self->connections->fail("send to " + self->host + ": " + std::strerror(errno));
    return -1;
  }
}

int stream_close(git_stream* stream) {
  Stream* self = of(stream);
  if (self->descriptor >= 0) self->connections->close(std::exchange(self->descriptor, -1));
  return 0;
}

void stream_free(git_stream* stream) {
  stream_close(stream);
  delete of(stream);
}

int stream_new(git_stream** out, const char* host, const char* port) {
  if (!current) return -1;
  auto* stream = new Stream;
  stream->parent.version = GIT_STREAM_VERSION;
  stream->parent.connect = stream_connect;
  stream->parent.read = stream_read;
  stream->parent.write = stream_write;
  stream->parent.close = stream_close;
  stream->parent.free = stream_free;
  stream->connections = current;
  stream->host = host;
  stream->port = port;
  stream->host_pointer = stream->host.data();
  stream->port_pointer = stream->port.data();
  *out = &stream->parent;
  return 0;
}

void register_stream() {
  git_stream_registration registration = {};
  registration.version = GIT_STREAM_VERSION;
  registration.init = stream_new;
  git::check(git_stream_register(GIT_STREAM_STANDARD, &registration), "register sockets with libgit2");
}

}  // namespace

struct Connections::Address {
  int family = 0;
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

struct Connections::Lookup {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  int code = 0;
  std::vector<Address> addresses;
  std::thread thread;

  void run(const std::string& host, const std::string& port) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int result = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    const std::lock_guard lock(mutex);
    code = result;
    for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
      Address address;
      address.family = entry->ai_family;
      address.size = entry->ai_addrlen;
      std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
      addresses.push_back(address);
    }
    if (list) freeaddrinfo(list);
    done = true;
    changed.notify_all();
  }
};

Connections::Connections() { register_stream(); }

Connections::~Connections() {
  for (const auto& lookup : lookups_) lookup->thread.join();
}

void Connections::begin() {
  const std::lock_guard lock(mutex_);
  interruption_ = Interruption::none;
  if (interrupted_.stop_requested()) interrupted_ = std::stop_source();
  problem_.clear();
}

void Connections::interrupt(Interruption cause) {
  std::stop_source interrupted;
  {
    const std::lock_guard lock(mutex_);
    if (interruption_ != Interruption::none) return;
    interruption_ = cause;
    for (const int descriptor : descriptors_) shutdown(descriptor, SHUT_RDWR);
    for (const auto& lookup : lookups_) lookup->changed.notify_all();
    interrupted = interrupted_;
  }
  interrupted.request_stop();
}

std::stop_token Connections::token() const {
  const std::lock_guard lock(mutex_);
  return interrupted_.get_token();
}

std::string Connections::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void Connections::forget_problem() {
  const std::lock_guard lock(mutex_);
  problem_.clear();
}

void Connections::fail(std::string problem) {
  const std::lock_guard lock(mutex_);
  if (problem_.empty()) problem_ = std::move(problem);
}

void Connections::close(int descriptor) {
  const std::lock_guard lock(mutex_);
  descriptors_.erase(descriptor);
  ::close(descriptor);
}

std::shared_ptr<Connections::Lookup> Connections::begin_lookup(const std::string& host, const std::string& port) {
  const std::lock_guard lock(mutex_);
  std::erase_if(lookups_, [](const auto& lookup) {
    const std::lock_guard lookup_lock(lookup->mutex);
    if (lookup->done) lookup->thread.join();
    return lookup->done;
  });
  if (lookups_.size() >= max_hanging_lookups) return nullptr;
  const auto lookup = std::make_shared<Lookup>();
  lookup->thread = std::thread([lookup, host, port] { lookup->run(host, port); });
  lookups_.push_back(lookup);
  return lookup;
}

std::vector<Connections::Address> Connections::resolve(const std::string& host, const std::string& port) {
  const auto lookup = begin_lookup(host, port);
  if (!lookup) {
    fail("look up " + host + ": earlier lookups still hang; check the name server");
    return {};
  }
  std::unique_lock lock(lookup->mutex);
  // Woken by the lookup and by interrupt(), which does not hold this lock: hence the slices.
  while (!lookup->done && interruption_ == Interruption::none) lookup->changed.wait_for(lock, std::chrono::milliseconds(100));
  if (!lookup->done) return {};
  if (lookup->code != 0) fail("look up " + host + ": " + gai_strerror(lookup->code));
  return lookup->addresses;
}

int Connections::connect(const std::string& host, const std::string& port) {
  for (const Address& address : resolve(host, port)) {
    if (const int descriptor = connect_to(address); descriptor >= 0) return descriptor;
    if (interruption_ != Interruption::none) return -1;
  }
  fail("connect to " + host + " port " + port + ": " + std::strerror(errno));
  return -1;
}

int Connections::connect_to(const Address& address) {
  const int descriptor = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  {
    const std::lock_guard lock(mutex_);
    descriptors_.insert(descriptor);
  }
  int error = 0;
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      pollfd waiting = {descriptor, POLLOUT, 0};
      while (interruption_ == Interruption::none && poll(&waiting, 1, 100) <= 0) {
      }
      socklen_t size = sizeof error;
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error != 0 || interruption_ != Interruption::none) {
    close(descriptor);
    errno = error;
    return -1;
  }
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  return descriptor;
}

Connections::Attempt::Attempt(Connections& connections, Alarm& alarm, const std::stop_token& stop, Alarm::Clock::time_point deadline)
    : outer_(begin(connections)),
      on_stop_(stop, [&connections] { connections.interrupt(Interruption::stopped); }),
      at_deadline_(alarm, deadline, [&connections] { connections.interrupt(Interruption::timed_out); }) {}

Connections::Attempt::~Attempt() { current = outer_; }

Connections* Connections::Attempt::begin(Connections& connections) {
  connections.begin();
  return std::exchange(current, &connections);
}

}  // namespace tidemark::sync
