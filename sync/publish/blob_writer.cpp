#include "sync/publish/blob_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <string_view>
#include <thread>

#include "daemon/error.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t most_threads = 4;
constexpr std::size_t files_for_a_thread = 16;  // fewer are written before it has begun
constexpr std::int64_t large_bytes = 1024 * 1024;

struct stat new_symlink(int folder, const std::string& name, std::string_view target) {
  const std::string text(target);
  struct stat status{};
  if (::symlinkat(text.c_str(), folder, name.c_str()) != 0) fail_with(errno, "cannot make the symbolic link " + name);
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) fail_with(errno, "cannot look at " + name);
  return status;
}

// The files not yet taken, and the first failure. For several threads.
class Share {
 public:
  Share(std::size_t count, std::stop_token stop) : count_(count), stop_(std::move(stop)) {}

  // The next one's number, or count_ when there is nothing left to do.
  std::size_t take() {
    if (failed_ || stop_.stop_requested()) return count_;
    return std::min(next_++, count_);
  }
  bool is_end(std::size_t number) const { return number == count_; }
  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    failed_ = true;
  }
  // When no thread is at work any more.
  void check() const {
    if (failure_) std::rethrow_exception(failure_);
    if (stop_.stop_requested()) throw TransientError("the checkout was stopped before it was complete");
  }

 private:
  const std::size_t count_;
  const std::stop_token stop_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

mode_t permissions(git::Mode mode) { return mode == git::Mode::executable ? 0777 : 0666; }

BlobWriter::BlobWriter(const git::ObjectStore& store, const Filters& filters) : store_(store), filters_(filters) {}

std::size_t BlobWriter::threads_for(std::size_t files) const {
  if (filters_.any()) return 1;
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  return std::max<std::size_t>(1, std::min({files / files_for_a_thread, processors, most_threads}));
}

void BlobWriter::write(std::vector<BlobFile>& files, const std::stop_token& stop) {
  const std::size_t threads = threads_for(files.size());
  while (stores_.size() + 1 < threads) stores_.push_back(std::make_unique<git::ObjectStore>(store_.directory()));
  Share share(files.size(), stop);
  const auto work = [&](const git::ObjectStore& store) {
    try {
      for (std::size_t number = share.take(); !share.is_end(number); number = share.take()) {
        BlobFile& file = files[number];
        std::unique_lock lock(large_, std::defer_lock);
        if (threads > 1 && store.blob_size(file.entry.oid) >= large_bytes) lock.lock();
        write_one(store, file);
      }
    } catch (...) {
      share.fail(std::current_exception());
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t other = 0; other + 1 < threads; ++other) others.emplace_back([&, other] { work(*stores_[other]); });
    work(store_);
  }
  share.check();
}

void BlobWriter::write_one(const git::ObjectStore& store, BlobFile& file) const {
  const auto write = [&](std::string_view content) {
    if (file.entry.mode == git::Mode::symlink)
      file.status = new_symlink(file.folder->get(), file.name, content);
    else
      file.status = write_new_file(file.folder->get(), file.name, content, permissions(file.entry.mode));
  };
  if (filters_.any() && file.entry.is_file())
    filters_.read(file.entry.oid, file.path, write);
  else
    store.read_blob(file.entry.oid, write);
}

}  // namespace tidemark::sync
