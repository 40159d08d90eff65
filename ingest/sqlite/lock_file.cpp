#include "ingest/sqlite/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::ingest::sqlite {

LockFile::LockFile(std::filesystem::path file) : file_(std::move(file)) {
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw ConfigError("cannot write " + file_.string() + ": " + std::generic_category().message(errno) +
                      "; --engine sqlite:PATH needs a folder that exists and that this user may write");
  }
}

LockFile::~LockFile() { ::close(descriptor_); }

bool LockFile::acquire() {
  if (held_) return true;
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) return false;
  held_ = true;
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = std::string(host.data()) + ", process " + std::to_string(::getpid()) + '\n';
  // For people only: a holder that could not write its name holds the lease all the same.
  if (::ftruncate(descriptor_, 0) == 0) (void)!::pwrite(descriptor_, text.data(), text.size(), 0);
  return true;
}

std::string LockFile::holder() const {
  std::array<char, 512> text{};
  const auto size = ::pread(descriptor_, text.data(), text.size(), 0);
  std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  if (const auto line = holder.find('\n'); line != std::string::npos) holder.resize(line);
  return holder;
}

}  // namespace tidemark::ingest::sqlite
