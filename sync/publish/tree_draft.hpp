// The folder that a tree is made in, with what belongs to it, until all of it gets its names by renames. Removed with what is in it, unless it was
// released.
#pragma once

#include <string>

#include "daemon/log.hpp"
#include "sync/publish/files.hpp"

namespace tidemark::sync {

class TreeDraft {
 public:
  // In the folder `trees`, which stays open longer.
  TreeDraft(int trees, Log& log);
  ~TreeDraft();
  TreeDraft(const TreeDraft&) = delete;
  TreeDraft& operator=(const TreeDraft&) = delete;

  int directory() const { return directory_.get(); }
  // Gives what is made in the draft its name. What had the name until then lies in the draft afterwards: readers of that name see one or the other,
  // where the file system can exchange two names.
  void place(const std::string& made, int directory, const std::string& name) const;
  // Everything has its name: what is left here is old and may be removed by others.
  void release();

 private:
  int trees_;
  Log& log_;
  std::string name_;
  FileDescriptor directory_;
  bool released_ = false;
};

}  // namespace tidemark::sync
