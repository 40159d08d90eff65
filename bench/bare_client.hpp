// The barest HTTP client: one kept connection, one libcurl handle, the answer as it comes. From one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench {

// Of all requests of a process.
struct Traffic {
  std::int64_t requests = 0;
  std::int64_t bytes_sent = 0;      // bodies
  std::int64_t bytes_received = 0;  // bodies
};

class BareClient {
 public:
  explicit BareClient(std::string base_url);
  ~BareClient();
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  // The body of the answer, valid until the next call. Throws std::runtime_error for no answer and for any status but 200.
  const std::string& call(std::string_view method, const std::string& path, std::string_view body = {});

  const Traffic& traffic() const { return traffic_; }

 private:
  std::string base_url_;
  void* curl_;
  void* json_;
  void* ndjson_;
  std::string answer_;
  Traffic traffic_;
};

}  // namespace tidemark::bench
