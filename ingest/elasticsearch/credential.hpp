// What is sent as `Authorization`, and how it is renewed when its file has changed.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "ingest/elasticsearch/connection.hpp"

namespace tidemark::ingest::elasticsearch {

struct Authorization {
  std::string header;         // "" = none
  std::uint64_t version = 0;  // grows with each change
};

// Safe from every thread.
class Credential {
 public:
  explicit Credential(const ConnectionSettings& settings);  // throws ConfigError when the file cannot be read

  Authorization current() const;
  // After a 401 for `refused`: what is to be sent now, if it is another one. Several threads that were refused at once read the file once per change.
  // Throws TransientError when it cannot be read.
  std::optional<Authorization> renewed(const Authorization& refused);

  std::string description() const;  // "user tidemark with the password of /run/secrets/password"; never the secret

 private:
  std::string read() const;

  enum class Way { none, basic, api_key, bearer };
  Way way_ = Way::none;
  std::string username_;
  std::string secret_;
  std::string file_;
  mutable std::mutex mutex_;
  Authorization authorization_;
};

}  // namespace tidemark::ingest::elasticsearch
