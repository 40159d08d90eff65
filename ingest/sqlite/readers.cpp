#include "ingest/sqlite/readers.hpp"

#include "ingest/sqlite/index_file.hpp"

namespace tidemark::ingest::sqlite {

Reader::Reader(const std::filesystem::path& file) : connection(open_reader(file)), tokenizer(connection->fts5()) {}

Readers::Loan Readers::borrow() {
  std::unique_ptr<Reader> reader;
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return !closed_ && lent_ < limit; });
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
    ++lent_;
  }
  try {
    if (reader == nullptr) reader = std::make_unique<Reader>(file_);
  } catch (...) {
    give_back(nullptr);
    throw;
  }
  return {*this, std::move(reader)};
}

void Readers::give_back(std::unique_ptr<Reader> reader) noexcept {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (reader != nullptr && idle_.size() < limit) idle_.push_back(std::move(reader));
  }
  returned_.notify_all();
}

void Readers::replace(const std::function<void()>& change) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  returned_.wait(lock, [&] { return lent_ == 0; });
  idle_.clear();
  lock.unlock();
  const auto reopen = [&] {
    const std::lock_guard again(mutex_);
    closed_ = false;
    returned_.notify_all();
  };
  try {
    change();
  } catch (...) {
    reopen();
    throw;
  }
  reopen();
}

}  // namespace tidemark::ingest::sqlite
