#include "sync/hooks/child_process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/error.hpp"
#include "sync/publish/files.hpp"

namespace tidemark::sync {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_line_bytes = 2 * 1024;
constexpr std::size_t max_lines = 100;
constexpr std::size_t pipe_bytes = 64 * 1024;  // pipe(7)

[[noreturn]] void fail(const std::string& what, int error) { throw TransientError(what + ": " + std::generic_category().message(error)); }

FileDescriptor event() {
  FileDescriptor descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor) fail("cannot make an event descriptor", errno);
  return descriptor;
}

// A program's output as lines, up to a number of them.
class Output {
 public:
  Output(FileDescriptor pipe, const std::function<void(std::string_view)>& on_line) : pipe_(std::move(pipe)), on_line_(on_line) {}

  int descriptor() const { return open_ ? pipe_.get() : -1; }

  // What there is now, as much as a pipe holds: who writes without end is not waited for.
  void read() {
    std::array<char, 4096> buffer;
    for (std::size_t read = 0; open_ && read < pipe_bytes; read += buffer.size()) {
      const ssize_t count = ::read(pipe_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return;
      if (count == 0) open_ = false;
      for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(count))) add(c);
    }
  }

  void finish() {
    if (!line_.empty()) give();
    if (dropped_ > 0) on_line_(fmt::format("({} more bytes of output)", dropped_));
  }

 private:
  void add(char c) {
    if (lines_ >= max_lines) {
      dropped_++;
    } else if (c == '\n') {
      give();
    } else {
      line_ += c;
      if (line_.size() >= max_line_bytes) give();
    }
  }

  void give() {
    on_line_(line_);
    line_.clear();
    lines_++;
  }

  FileDescriptor pipe_;
  const std::function<void(std::string_view)>& on_line_;
  bool open_ = true;
  std::string line_;
  std::size_t lines_ = 0;
  std::size_t dropped_ = 0;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// In a process group of its own, with default signal handling and no descriptors but the standard ones.
class Spawn {
 public:
  Spawn() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  pid_t start(const Program& program, int output) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawn_file_actions_addchdir_np(&actions_, program.directory.c_str());
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    std::vector<std::string> arguments{program.path};
    std::vector<std::string> environment;
    for (const auto& [name, value] : program.environment) environment.push_back(name + "=" + value);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, program.path.c_str(), &actions_, &attributes_, pointers(arguments).data(), pointers(environment).data());
    if (error == 0) return pid;
    std::error_code ignored;
    if (!std::filesystem::is_directory(program.directory, ignored)) fail("cannot run " + program.path + " in " + program.directory.string(), ENOENT);
    fail("cannot run " + program.path, error);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string ending(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

// Until the process has ended, which `ended` says, or has been killed since its time is over. Gives why it was killed, or "".
std::string follow(pid_t pid, Output& output, int ended, int stopped, Duration timeout) {
  std::string killed;
  for (const auto deadline = Clock::now() + timeout;;) {
    std::array<pollfd, 3> watched{{{ended, POLLIN, 0}, {killed.empty() ? stopped : -1, POLLIN, 0}, {output.descriptor(), POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int wait = killed.empty() ? static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)) : -1;
    if (::poll(watched.data(), watched.size(), wait) < 0 && errno != EINTR) fail("cannot wait for a program", errno);
    output.read();
    if (watched[0].revents != 0) return killed;
    if (!killed.empty()) continue;
    if (watched[1].revents != 0)
      killed = "was ended, since this process ends";
    else if (Clock::now() >= deadline)
      killed = "took longer than " + format_duration(timeout) + " and was killed";
    if (!killed.empty()) ::kill(-pid, SIGKILL);
  }
}

}  // namespace

void ChildProcesses::run(const Program& program, const std::function<void(std::string_view line)>& on_line, std::stop_token stop) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("cannot make a pipe", errno);
  FileDescriptor read_end(ends[0]), write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  const FileDescriptor ended = event();
  const FileDescriptor stopped = event();
  const std::stop_callback on_stop(std::move(stop), [&] { ::eventfd_write(stopped.get(), 1); });
  struct Running {  // nobody else takes note of ends while one of ours runs
    explicit Running(ChildProcesses& c) : children(c) {
      const std::lock_guard lock(children.mutex_);
      children.running_++;
    }
    ~Running() {
      {
        const std::lock_guard lock(children.mutex_);
        children.running_--;
      }
      children.reap_orphans();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ChildProcesses& children;
  };
  const Running running(*this);

  const pid_t pid = Spawn().start(program, write_end.get());
  write_end = FileDescriptor();
  Output output(std::move(read_end), on_line);
  // The process stays a zombie until it is waited for below: its id and its group's can be no one else's as long as it is killed by them.
  std::thread waiter([pid, event = ended.get()] {
    siginfo_t info;
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    ::eventfd_write(event, 1);
  });
  const std::string killed = follow(pid, output, ended.get(), stopped.get(), program.timeout);
  waiter.join();
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  output.read();
  output.finish();
  if (!killed.empty()) throw TransientError(program.path + " " + killed);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw TransientError(program.path + " " + ending(status));
}

void ChildProcesses::reap_orphans() {
  if (::getpid() != 1) return;
  const std::lock_guard lock(mutex_);
  if (running_ > 0) return;
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace tidemark::sync
