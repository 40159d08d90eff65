// Files by descriptors and names relative to a directory, never through a symbolic link: what the publisher is made of.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "daemon/error.hpp"

namespace tidemark::sync {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// The volume is full, or the quota is used up.
struct NoSpace : TransientError {
  using TransientError::TransientError;
};

// Throws TransientError (NoSpace): "ACTION: the system's words", and what to do about a full disk or missing rights.
[[noreturn]] void fail_with(int error, const std::string& action);

// 16 hexadecimal digits from the system.
std::string random_name();

// A directory to work in. O_PATH: it cannot be listed. Throws unless it is a directory; a symbolic link is not.
FileDescriptor open_directory(int parent, const std::string& name);
// As open_directory, but nothing when it is not there or no directory.
FileDescriptor find_directory(int parent, const std::string& name);
// Makes it unless it is there. Modes are 0777 less the umask, as git makes folders.
FileDescriptor make_directory(int parent, const std::string& name);

// A new file; throws when the name is taken. `mode` is lessened by the umask. Gives what fstat says about it afterwards.
struct stat write_new_file(int directory, const std::string& name, std::string_view content, mode_t mode);
// The same with the content of the file of that name in another directory, whose blocks are shared until one of the two is written to. Nothing, and
// nothing made, where that can't be had.
std::optional<struct stat> clone_file(int from, int to, const std::string& name, mode_t mode);
void write_all(int fd, std::string_view bytes, const std::string& name);

// A regular file's content when it is there, readable and at most `limit` bytes.
std::optional<std::string> read_small_file(int directory, const std::string& name, std::size_t limit);

// A file, a link or a folder with all that is below. Nothing there is fine. Throws on the first thing that cannot be removed, and when `stop` is
// requested.
void remove_tree(int parent, const std::string& name, const std::stop_token& stop = {});

}  // namespace tidemark::sync
