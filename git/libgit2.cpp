#include "git/libgit2.hpp"

#include <cstring>

namespace tidemark::git {

std::string last_error() {
  const git_error* error = git_error_last();
  return error && error->message ? error->message : "unknown error";
}

void check(int code, std::string_view action) {
  if (code < 0) throw Error(std::string(action) + ": " + last_error());
}

Oid from_git(const git_oid& oid) { return Oid::from_raw(oid.id); }

git_oid to_git(const Oid& oid) {
  git_oid result{};
  std::memcpy(result.id, oid.raw(), Oid::size);
  return result;
}

}  // namespace tidemark::git
