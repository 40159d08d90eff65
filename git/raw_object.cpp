#include "git/raw_object.hpp"

#include "git/object_hash.hpp"

namespace tidemark::git {

namespace {

void check_kind(git_object_t kind, git_object_t expected, const Oid& oid) {
  if (kind == expected) return;
  throw Error("object " + oid.hex() + " is a " + git_object_type2string(kind) + ", not a " + git_object_type2string(expected));
}

void check_hash(git_odb_object* object, const Oid& oid) {
  const Oid actual = hash_object(git_object_type2string(git_odb_object_type(object)),
                                 {static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object)});
  if (actual != oid) throw Error("read object " + oid.hex() + ": it is damaged, its content has the hash " + actual.hex());
}

}  // namespace

void check_found(int code, const Oid& oid) {
  if (code == GIT_ENOTFOUND) throw ObjectMissing(oid);
  if (code < 0) throw Error("read object " + oid.hex() + ": " + last_error());
}

std::size_t read_size(git_odb* odb, const Oid& oid, git_object_t kind) {
  const git_oid id = to_git(oid);
  std::size_t size = 0;
  git_object_t actual = GIT_OBJECT_INVALID;
  check_found(git_odb_read_header(&size, &actual, odb, &id), oid);
  check_kind(actual, kind, oid);
  return size;
}

OdbObjectHandle read_object(git_odb* odb, const Oid& oid, git_object_t kind, std::size_t max_bytes) {
  if (const std::size_t size = read_size(odb, oid, kind); size > max_bytes) {
    throw Error("object " + oid.hex() + " has " + std::to_string(size) + " bytes, more than the " + std::to_string(max_bytes) + " that are read");
  }
  const git_oid id = to_git(oid);
  git_odb_object* object = nullptr;
  check_found(git_odb_read(&object, odb, &id), oid);
  OdbObjectHandle handle(object);
  check_kind(git_odb_object_type(object), kind, oid);
  check_hash(object, oid);
  return handle;
}

void check_hash_of(git_odb* odb, const Oid& oid) {
  const git_oid id = to_git(oid);
  git_odb_object* object = nullptr;
  check_found(git_odb_read(&object, odb, &id), oid);
  const OdbObjectHandle handle(object);
  check_hash(object, oid);
}

}  // namespace tidemark::git
