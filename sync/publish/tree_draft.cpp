#include "sync/publish/tree_draft.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "sync/publish/tree_record.hpp"

namespace tidemark::sync {

TreeDraft::TreeDraft(int trees, Log& log) : trees_(trees), log_(log), name_(draft_prefix + random_name()), directory_(make_directory(trees, name_)) {}

TreeDraft::~TreeDraft() {
  if (released_) return;
  try {
    remove_tree(trees_, name_);
  } catch (const std::exception& error) {
    log_.warning("could not remove an unfinished tree", {{"name", name_}, {"error", error.what()}});
  }
}

void TreeDraft::place(const std::string& made, int directory, const std::string& name) const {
  const int draft = directory_.get();
  if (::renameat2(draft, made.c_str(), directory, name.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno == EINVAL || errno == ENOSYS) {
    const std::string aside = made + "-replaced";
    if (::renameat(directory, name.c_str(), draft, aside.c_str()) != 0 && errno != ENOENT)
      fail_with(errno, "cannot move the old " + made + " of " + name + " away");
  } else if (errno != ENOENT) {
    fail_with(errno, "cannot replace the " + made + " of " + name);
  }
  if (::renameat(draft, made.c_str(), directory, name.c_str()) != 0) fail_with(errno, "cannot rename the new " + made + " to " + name);
}

void TreeDraft::release() {
  released_ = true;
  ::unlinkat(trees_, name_.c_str(), AT_REMOVEDIR);  // fails when a replaced tree lies in it
}

}  // namespace tidemark::sync
