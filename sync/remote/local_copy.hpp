// Fetching from a repository on this machine: libgit2's own way walks every file of the tree at every fetch and compresses a whole clone anew.
// Internal to sync/.
#pragma once

#include <filesystem>
#include <functional>

#include "git/object_store.hpp"
#include "git/oid.hpp"

namespace tidemark::sync {

class LocalCopy {
 public:
  // `remote`: a repository or its working tree. `target`: our `.git`. `check` is called often and may throw. Throws git::Error.
  LocalCopy(const std::filesystem::path& remote, std::filesystem::path target, std::function<void()> check);

  // Makes everything that `wanted` (a commit or a tag) reaches be in the target. Into a new repository the packs and loose objects are linked, or
  // copied where that cannot be; later what is missing is found by comparing trees and written as one pack. Killed anywhere, the next call completes
  // it.
  void bring(const git::Oid& wanted);
  // A first copy was cut off: what is in the target may lack what it needs.
  static bool is_incomplete(const std::filesystem::path& target);

 private:
  class Missing;

  void copy_files();
  void copy_folder(const std::filesystem::path& name, bool is_pack_folder);
  void place(const std::filesystem::path& from, const std::filesystem::path& to);
  void check_tip(const git::Oid& wanted);
  void write_missing(const git::Oid& wanted);

  std::filesystem::path source_;  // what holds `objects`
  std::filesystem::path target_;
  std::function<void()> check_;
};

}  // namespace tidemark::sync
