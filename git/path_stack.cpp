#include "git/path_stack.hpp"

#include "git/error.hpp"
#include "git/tree_reader.hpp"

namespace tidemark::git {

std::string_view PathStack::with(std::string_view name) {
  path_.resize(folder_size_);
  if (folder_size_ + name.size() > max_path_bytes) {
    throw Error("a path below " + path_.substr(0, 200) + " is longer than " + std::to_string(max_path_bytes) + " bytes");
  }
  path_ += name;
  return path_;
}

void PathStack::enter(std::string_view name) {
  if (parents_.size() + 1 >= max_tree_depth) {
    throw Error("folders are nested more than " + std::to_string(max_tree_depth) + " deep below " + path_.substr(0, 200));
  }
  with(name);
  path_ += '/';
  parents_.push_back(folder_size_);
  folder_size_ = path_.size();
}

void PathStack::leave() {
  folder_size_ = parents_.back();
  parents_.pop_back();
}

}  // namespace tidemark::git
