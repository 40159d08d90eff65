#include "sync/publish/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace tidemark::sync {

namespace {

struct DirectoryCloser {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

constexpr std::size_t first_read_bytes = 4096;

bool is_dot_or_dot_dot(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

// Unlinks while listing: a directory that is read on from a position returns every entry that was neither removed nor read yet (readdir(3)).
void remove_children(int directory, const std::string& shown, const std::stop_token& stop) {
  const std::unique_ptr<DIR, DirectoryCloser> listing(::fdopendir(directory));
  if (!listing) {
    const int error = errno;
    ::close(directory);
    fail_with(error, "cannot list " + shown);
  }
  while (true) {
    if (stop.stop_requested()) throw TransientError("the removal of " + shown + " was stopped");
    errno = 0;
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr) {
      if (errno != 0) fail_with(errno, "cannot list " + shown);
      return;
    }
    if (is_dot_or_dot_dot(entry->d_name)) continue;
    if (entry->d_type == DT_DIR || ::unlinkat(::dirfd(listing.get()), entry->d_name, 0) != 0)
      remove_tree(::dirfd(listing.get()), entry->d_name, stop);
  }
}

}  // namespace

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

void fail_with(int error, const std::string& action) {
  const std::string what = std::generic_category().message(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      throw NoSpace(fmt::format("{}: {}; free space on the volume of --root, or make it larger", action, what));
    case EACCES:
    case EPERM:
    case EROFS:
      throw TransientError(fmt::format("{}: {}; let user {} write there", action, what, ::geteuid()));
    default:
      throw TransientError(fmt::format("{}: {}", action, what));
  }
}

std::string random_name() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) fail_with(errno, "cannot get a random number");
  return fmt::format("{:016x}", number);
}

FileDescriptor open_directory(int parent, const std::string& name) {
  FileDescriptor directory(::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) fail_with(errno, "cannot open the directory " + name);
  return directory;
}

FileDescriptor find_directory(int parent, const std::string& name) {
  return FileDescriptor(::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

FileDescriptor make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0777) != 0 && errno != EEXIST) fail_with(errno, "cannot make the directory " + name);
  return open_directory(parent, name);
}

void write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with(errno, "cannot write " + name);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

struct stat write_new_file(int directory, const std::string& name, std::string_view content, mode_t mode) {
  const FileDescriptor file(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) fail_with(errno, "cannot make the file " + name);
  write_all(file.get(), content, name);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) fail_with(errno, "cannot look at " + name);
  return status;
}

std::optional<struct stat> clone_file(int from, int to, const std::string& name, mode_t mode) {
  const FileDescriptor source(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!source) return std::nullopt;
  const FileDescriptor file(::openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) fail_with(errno, "cannot make the file " + name);
  struct stat status{};
  if (::ioctl(file.get(), FICLONE, source.get()) == 0 && ::fstat(file.get(), &status) == 0) return status;
  const int refused = errno;
  ::unlinkat(to, name.c_str(), 0);
  if (refused == ENOSPC || refused == EDQUOT) fail_with(refused, "cannot write " + name);
  return std::nullopt;
}

std::optional<std::string> read_small_file(int directory, const std::string& name, std::size_t limit) {
  const FileDescriptor file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string content(std::min(limit, first_read_bytes) + 1, '\0');
  std::size_t size = 0;
  while (size <= limit) {
    if (size == content.size()) content.resize(std::min(limit + 1, 2 * size));
    const ssize_t got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > limit) return std::nullopt;
  content.resize(size);
  return content;
}

void remove_tree(int parent, const std::string& name, const std::stop_token& stop) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) fail_with(errno, "cannot remove " + name);
  const int directory = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) fail_with(errno, "cannot remove " + name);
  remove_children(directory, name, stop);
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) fail_with(errno, "cannot remove " + name);
}

}  // namespace tidemark::sync
