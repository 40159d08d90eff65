// Members of JSON that somebody else wrote, whatever it is: nothing here throws but for memory. For any of nlohmann's kinds of JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::ingest::elasticsearch {

// Null for what is no object or has no such member.
template <typename Json>
const Json* member(const Json& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

// A path of members.
template <typename Json, typename... Keys>
const Json* member(const Json& value, std::string_view key, Keys... further) {
  const Json* found = member(value, key);
  return found == nullptr ? nullptr : member(*found, further...);
}

template <typename Json>
std::optional<std::string> string_of(const Json& value, std::string_view key) {
  const Json* found = member(value, key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return found->template get<std::string>();
}

template <typename Json>
std::string text_of(const Json& value, std::string_view key) {
  return string_of(value, key).value_or(std::string());
}

// Nothing for fractions and for what 64 bits with a sign cannot hold.
template <typename Json>
std::optional<std::int64_t> integer_of(const Json& value, std::string_view key) {
  const Json* found = member(value, key);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() && found->template get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return std::nullopt;
  return found->template get<std::int64_t>();
}

}  // namespace tidemark::ingest::elasticsearch
