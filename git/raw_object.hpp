// An object's bytes from the database, checked for kind and size. Internal to git/.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "git/libgit2.hpp"

namespace tidemark::git {

using OdbObjectHandle = std::unique_ptr<git_odb_object, Freed<git_odb_object_free>>;

// Throws ObjectMissing; Error when it is of another kind, larger than `max_bytes` (found out before it is read) or corrupt: its hash is not its id.
OdbObjectHandle read_object(git_odb* odb, const Oid& oid, git_object_t kind, std::size_t max_bytes);
// Reads the object for its hash alone.
void check_hash_of(git_odb* odb, const Oid& oid);
// The size from the object's header.
std::size_t read_size(git_odb* odb, const Oid& oid, git_object_t kind);

inline std::string_view bytes_of(const OdbObjectHandle& object) {
  return {static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get())};
}

// For an object's lookup by any of libgit2's functions: throws ObjectMissing or Error when `code` is negative.
void check_found(int code, const Oid& oid);

}  // namespace tidemark::git
