// The folders below a root, one after the other as a walk over a tree meets them: each folder is opened or made once, by its name in its parent
// and never through a symbolic link, so that no path can lead out of the root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/publish/files.hpp"

namespace tidemark::sync {

class DirectoryCursor {
 public:
  enum class Missing { make, report };

  // With `make`, a folder that is there already is an error: the tree names it twice.
  DirectoryCursor(FileDescriptor root, Missing missing);

  // The folder `path` ("" is the root), or -1 when it is not there. Valid until the next call. Throws when it cannot be made, or StalledError for a
  // name that is not safe.
  int at(std::string_view path);

 private:
  struct Level {
    std::size_t path_end;
    FileDescriptor directory;
  };
  void leave_to(std::string_view path);
  int reopened();

  Missing missing_;
  std::string path_;           // of the last level that exists
  std::vector<Level> levels_;  // the first is the root
  std::string absent_;         // with `report`: the last folder that was not there
};

}  // namespace tidemark::sync
