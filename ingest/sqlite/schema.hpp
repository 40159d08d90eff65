// The tables of an index file (docs/formats.md): made, recognised, dropped.
#pragma once

#include <cstdint>
#include <string>

#include "ingest/sqlite/database.hpp"

namespace tidemark::ingest::sqlite {

inline constexpr std::int64_t application_id = 0x54494445;  // "TIDE"
inline constexpr int schema_version = 1;

void create_schema(Connection& connection);  // within the caller's transaction; sets user_version
void drop_schema(Connection& connection);    // whatever of ours is there, in any state; other tables stay

// What differs from the schema that create_schema() makes, in words; "" when nothing does. Tables of others are no difference, triggers on ours are.
std::string schema_difference(Connection& connection);

}  // namespace tidemark::ingest::sqlite
