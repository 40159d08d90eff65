#include "daemon/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace tidemark {

namespace {

// Blocked signals stay pending even for pid 1 and even where the parent had them ignored, so the descriptor sees each.
int blocked_signals_fd(const std::map<int, std::function<void()>>& handlers) {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& [signal, handler] : handlers) sigaddset(&set, signal);
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    throw std::system_error(error, std::generic_category(), "cannot block signals");
  }
  const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "cannot make a signal descriptor");
  return fd;
}

}  // namespace

Signals::Signals(std::map<int, std::function<void()>> handlers) : handlers_(std::move(handlers)) {
  std::signal(SIGPIPE, SIG_IGN);
  signal_fd_ = blocked_signals_fd(handlers_);
  stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_fd_ < 0) {
    const int error = errno;
    close(signal_fd_);
    throw std::system_error(error, std::generic_category(), "cannot make an event descriptor");
  }
  thread_ = std::jthread([this] { run(); });
}

Signals::~Signals() {
  eventfd_write(stop_fd_, 1);
  thread_.join();
  close(stop_fd_);
  close(signal_fd_);
}

void Signals::run() {
  std::array<pollfd, 2> watched{{{signal_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
  while (true) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[1].revents != 0) return;
    signalfd_siginfo info{};
    while (read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const auto handler = handlers_.find(static_cast<int>(info.ssi_signo));
      if (handler != handlers_.end()) handler->second();
    }
  }
}

ShutdownDeadline::ShutdownDeadline(Duration limit, int exit_code) : limit_(limit), exit_code_(exit_code) {}

void ShutdownDeadline::arm() {
  thread_ = std::jthread([limit = limit_, exit_code = exit_code_](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    ended.wait_for(lock, stop, limit, [] { return false; });
    if (stop.stop_requested()) return;
    const std::string line = "the shutdown did not end within " + format_duration(limit) + ": exiting\n";
    if (write(STDERR_FILENO, line.data(), line.size()) < 0) _Exit(exit_code);
    _Exit(exit_code);
  });
}

}  // namespace tidemark
