#include "git/error.hpp"

namespace tidemark::git {

ObjectMissing::ObjectMissing(const Oid& missing) : Error("object " + missing.hex() + " is not in the repository"), oid(missing) {}

}  // namespace tidemark::git
