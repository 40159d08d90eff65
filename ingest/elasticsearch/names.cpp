#include "ingest/elasticsearch/names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ingest/fingerprint.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

constexpr std::size_t max_alias_bytes = 128;
constexpr std::size_t key_digits = 12;
constexpr std::size_t schema_digits = 8;
constexpr std::size_t time_digits = 12;
constexpr std::size_t random_digits = 8;
// The year 4199. Greater times are nobody's creation, and would leave no room for a greater one.
constexpr std::int64_t max_milliseconds = std::int64_t{1} << 46;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::int64_t hex_value(std::string_view digits) {
  std::int64_t value = 0;
  for (const char c : digits) value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  return value;
}

}  // namespace

std::optional<std::string> alias_problem(std::string_view alias) {
  if (alias.empty()) return "it is empty";
  if (alias.size() > max_alias_bytes) return fmt::format("it has {} bytes, the limit is {}", alias.size(), max_alias_bytes);
  const auto is_allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  if (!std::all_of(alias.begin(), alias.end(), is_allowed)) return "it may consist of lower-case letters a to z, digits, '-', '_' and '.' only";
  if (alias.front() == '-' || alias.front() == '_' || alias.front() == '.') return fmt::format("it may not begin with '{}'", alias.front());
  return std::nullopt;
}

IndexNames::IndexNames(std::string alias, std::string_view source_name)
    : alias_(std::move(alias)), source_(source_name), key_(digest(source_name).hex().substr(0, key_digits)) {}

std::string IndexNames::prefix() const { return alias_ + '-' + key_ + '-'; }

std::string IndexNames::fresh(std::string_view schema, std::int64_t milliseconds, std::uint32_t random, std::string_view greatest) const {
  milliseconds = std::clamp<std::int64_t>(milliseconds, 0, max_milliseconds - 1);
  if (const auto parts = parse(greatest)) {
    const std::int64_t last = hex_value(std::string_view(parts->unique).substr(0, time_digits));
    milliseconds = std::max(milliseconds, last + 1);
  }
  return fmt::format("{}{}-{:0{}x}{:0{}x}", prefix(), schema, milliseconds, time_digits, random, random_digits);
}

std::optional<IndexNames::Parts> IndexNames::parse(std::string_view physical) const {
  const std::string begin = prefix();
  if (!physical.starts_with(begin)) return std::nullopt;
  physical.remove_prefix(begin.size());
  if (physical.size() != schema_digits + 1 + time_digits + random_digits || physical[schema_digits] != '-') return std::nullopt;
  const std::string_view schema = physical.substr(0, schema_digits);
  const std::string_view unique = physical.substr(schema_digits + 1);
  if (!is_hex(schema) || !is_hex(unique) || hex_value(unique.substr(0, time_digits)) > max_milliseconds) return std::nullopt;
  return Parts{.schema = std::string(schema), .unique = std::string(unique)};
}

}  // namespace tidemark::ingest::elasticsearch
