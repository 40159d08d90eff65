// The one place that includes libgit2: owning handles, and its errors as exceptions. Internal to git/ and sync/.
#pragma once

#include <git2.h>
#if __has_include(<git2/sys/errors.h>)
#include <git2/sys/errors.h>
#endif
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <git2/sys/stream.h>
#include <git2/sys/transport.h>

#include <memory>
#include <string>
#include <string_view>

#include "git/error.hpp"

namespace tidemark::git {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept { Free(object); }
};

using RepositoryHandle = std::unique_ptr<git_repository, Freed<git_repository_free>>;
using RemoteHandle = std::unique_ptr<git_remote, Freed<git_remote_free>>;
using TreeHandle = std::unique_ptr<git_tree, Freed<git_tree_free>>;
using CommitHandle = std::unique_ptr<git_commit, Freed<git_commit_free>>;
using BlobHandle = std::unique_ptr<git_blob, Freed<git_blob_free>>;
using ObjectHandle = std::unique_ptr<git_object, Freed<git_object_free>>;
using OdbHandle = std::unique_ptr<git_odb, Freed<git_odb_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, Freed<git_reference_free>>;

// libgit2's last error on this thread, in words.
std::string last_error();
// Throws Error("ACTION: libgit2's words") when `code` is negative.
void check(int code, std::string_view action);

Oid from_git(const git_oid& oid);
git_oid to_git(const Oid& oid);

}  // namespace tidemark::git
