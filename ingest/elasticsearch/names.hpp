// Names of indexes and aliases (docs/formats.md). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::ingest::elasticsearch {

// What is wrong with --index as a name of an alias, or nothing: of what Elasticsearch allows in index names only what needs no escaping in a path, and at most
// 128 bytes to leave room for the rest.
std::optional<std::string> alias_problem(std::string_view alias);

// A source's share of an alias: all its physical indexes begin with prefix().
class IndexNames {
 public:
  IndexNames(std::string alias, std::string_view source_name);

  const std::string& alias() const { return alias_; }   // what readers search
  const std::string& source() const { return source_; }
  std::string prefix() const;                           // "<alias>-<source key>-"; the key is 12 hex digits of the source's name
  std::string pattern() const { return prefix() + "*"; }
  // "<prefix><schema>-<unique>": `unique` is milliseconds since 1970 and a random tail, in hex of fixed length, and greater than that of the
  // physical name `greatest` ("": none), whatever the clock says.
  std::string fresh(std::string_view schema, std::int64_t milliseconds, std::uint32_t random, std::string_view greatest) const;
  static std::string fill_alias(std::string_view physical) { return std::string(physical) + ".fill"; }
  static std::string write_alias(std::string_view physical) { return std::string(physical) + ".write"; }
  // The parts of a physical name of this source, or nothing when it is none.
  struct Parts {
    std::string schema;
    std::string unique;  // sorts by creation
  };
  std::optional<Parts> parse(std::string_view physical) const;

 private:
  std::string alias_;
  std::string source_;
  std::string key_;
};

}  // namespace tidemark::ingest::elasticsearch
