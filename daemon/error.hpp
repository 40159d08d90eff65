// The failures that a process knows: the type says what happens next.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace tidemark {

// The process refuses to start: exit code 2, every problem printed on its own line.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(std::vector<std::string> problems);
  explicit ConfigError(std::string problem);
  const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  std::vector<std::string> problems_;
};

// May pass by itself: the loop retries with jittered exponential backoff.
class TransientError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Does not pass by itself: the loop waits for a new revision or an operator, and the status says so.
class StalledError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tidemark
