// The path of the present folder of a walk, as one string that grows and shrinks. Internal to git/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemark::git {

class PathStack {
 public:
  // The path of `name` in the present folder; valid until the next call. Throws Error when it is too long.
  std::string_view with(std::string_view name);
  // Throws Error when it is too deep.
  void enter(std::string_view name);
  void leave();

 private:
  std::string path_;                   // ends in '/' unless at the root
  std::vector<std::size_t> parents_;   // where the folders above end
  std::size_t folder_size_ = 0;
};

}  // namespace tidemark::git
