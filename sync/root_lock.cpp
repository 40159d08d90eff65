#include "sync/root_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "daemon/error.hpp"

namespace tidemark::sync {

RootLock::RootLock(const std::filesystem::path& root, Log& log) {
  std::error_code ignored;
  std::filesystem::create_directories(root, ignored);
  descriptor_ = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  if (reason == EWOULDBLOCK) {
    ::close(descriptor_);
    throw RootInUse("--root " + root.string() + " is in use by another tidemark-sync; stop that one, or give this one a root of its own");
  }
  log.warning("cannot lock the root; make sure that no other tidemark-sync uses it",
              {{"root", root.string()}, {"reason", std::generic_category().message(reason)}});
}

RootLock::~RootLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tidemark::sync
