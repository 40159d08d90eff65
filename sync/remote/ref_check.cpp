#include "sync/remote/ref_check.hpp"

#include <memory>
#include <string>

#include "git/error.hpp"

namespace tidemark::sync {

void check_refs(git_repository* repository) {
  git_reference_iterator* iterator = nullptr;
  git::check(git_reference_iterator_new(&iterator, repository), "list the refs");
  const std::unique_ptr<git_reference_iterator, git::Freed<git_reference_iterator_free>> handle(iterator);
  git_odb* opened = nullptr;
  git::check(git_repository_odb(&opened, repository), "open the objects");
  const git::OdbHandle objects(opened);
  const char* name = nullptr;
  while (git_reference_next_name(&name, iterator) == 0) {
    git_oid id;
    if (git_reference_name_to_id(&id, repository, name) < 0 || git_odb_exists(opened, &id) == 1) continue;
    throw git::Error("the ref " + std::string(name) + " names an object that is not there: " + git::from_git(id).hex());
  }
}

}  // namespace tidemark::sync
