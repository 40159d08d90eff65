// What git/ throws.
#pragma once

#include <stdexcept>
#include <string>

#include "git/oid.hpp"

namespace tidemark::git {

// libgit2 failed, or an object is not what it should be. The message names what was tried and libgit2's own words.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An object that should be there is not: it was pruned, or belongs to another repository by now. Read the link again.
class ObjectMissing : public Error {
 public:
  explicit ObjectMissing(const Oid& oid);
  Oid oid;
};

// A tree that is what its hash says and yet no tree that git would write, or beyond the limits of a walk: fetching it again changes nothing.
class Malformed : public Error {
 public:
  using Error::Error;
};

// A repository that this program does not read (SHA-256, a partial clone's missing blobs), with the reason.
class Unsupported : public Error {
 public:
  using Error::Error;
};

}  // namespace tidemark::git
