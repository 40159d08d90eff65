// Connections for reading, shared by the threads that answer requests. A reader sees the last commit and waits for no run.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "ingest/sqlite/database.hpp"
#include "ingest/sqlite/tokenizer.hpp"

namespace tidemark::ingest::sqlite {

struct Reader {
  explicit Reader(const std::filesystem::path& file);
  std::unique_ptr<Connection> connection;
  Tokenizer tokenizer;
};

// Any thread. At most `limit` connections: one more asker waits until a reader is given back.
class Readers {
 public:
  static constexpr std::size_t limit = 4;

  explicit Readers(std::filesystem::path file) : file_(std::move(file)) {}

  // A borrowed reader; given back by the destructor.
  class Loan {
   public:
    Loan(Readers& readers, std::unique_ptr<Reader> reader) : readers_(readers), reader_(std::move(reader)) {}
    ~Loan() { readers_.give_back(std::move(reader_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Connection& connection() { return *reader_->connection; }
    Tokenizer& tokenizer() { return reader_->tokenizer; }

   private:
    Readers& readers_;
    std::unique_ptr<Reader> reader_;
  };

  Loan borrow();  // throws DatabaseError
  // Waits until every reader is back, closes them, calls `change` (the file may be moved) and goes on with fresh ones.
  void replace(const std::function<void()>& change);

 private:
  void give_back(std::unique_ptr<Reader> reader) noexcept;

  std::filesystem::path file_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Reader>> idle_;
  std::size_t lent_ = 0;
  bool closed_ = false;
};

}  // namespace tidemark::ingest::sqlite
