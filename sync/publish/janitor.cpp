#include "sync/publish/janitor.hpp"

#include <fcntl.h>

#include <utility>

#include "sync/publish/files.hpp"

namespace tidemark::sync {

Janitor::Janitor(Log& log) : log_(log), thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Janitor::~Janitor() {
  thread_.request_stop();
  thread_.join();
}

void Janitor::remove(std::filesystem::path path) {
  {
    const std::lock_guard lock(mutex_);
    paths_.push_back(std::move(path));
  }
  changed_.notify_all();
}

void Janitor::wait(std::size_t left, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, std::move(stop), [&] { return paths_.size() <= left; });
}

void Janitor::run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !paths_.empty(); })) {
    const auto path = paths_.front();
    lock.unlock();
    try {
      remove_tree(AT_FDCWD, path, stop);
    } catch (const std::exception& error) {
      if (!stop.stop_requested()) log_.warning("could not remove an old tree", {{"path", path.string()}, {"error", error.what()}});
    }
    lock.lock();
    paths_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace tidemark::sync
