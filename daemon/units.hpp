// Durations and sizes as people write them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

using Duration = std::chrono::milliseconds;

// A number of bytes.
struct Bytes {
  std::int64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};

// Go's notation, as git-sync's flags take it: "300ms", "10s", "1m30s", "1.5h", "0"; rounded up to a millisecond. Nothing for other text, negative
// values, more than 100 years.
std::optional<Duration> parse_duration(std::string_view text);
// "512", "64KiB", "5MiB", "1GiB", "10MB", "5Mi" (Kubernetes' spelling). Nothing for other text and for what does not fit.
std::optional<Bytes> parse_bytes(std::string_view text);

std::string format_duration(Duration value);  // "1m30s"; parse_duration reads it back
std::string format_bytes(Bytes value);        // "5MiB", or plain bytes if not a whole unit; parse_bytes reads it back

}  // namespace tidemark
