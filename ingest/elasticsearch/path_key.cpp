#include <optional>
#include <string>
#include <string_view>

#include "ingest/elasticsearch/document_json.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::string path_key(std::string_view path) {
  std::string key;
  key.reserve(2 * path.size());
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    key += digits[byte >> 4];
    key += digits[byte & 15];
  }
  return key;
}

std::optional<std::string> path_from_key(std::string_view key) {
  if (key.size() % 2 != 0) return std::nullopt;
  std::string path;
  path.reserve(key.size() / 2);
  for (std::size_t i = 0; i < key.size(); i += 2) {
    const std::size_t high = digits.find(key[i]);
    const std::size_t low = digits.find(key[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    path += static_cast<char>(high * 16 + low);
  }
  return path;
}

}  // namespace tidemark::ingest::elasticsearch
