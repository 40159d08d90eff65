// What sync (or git-sync) published: the link and the object store behind it. The volume may be read-only.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "git/object_store.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest {

class Source {
 public:
  // `link`: ROOT/LINK. `name`: --source-name, or "" for the last segment of the origin's URL.
  Source(std::filesystem::path link, std::string name);

  // Where the link points now, or nothing while nothing was published. Throws TransientError when the link is not one of sync's or its commit can't be read. Any thread.
  std::optional<git::Oid> published() const;

  // The object store behind the link, opened afresh when the repository moved; the caller's own (one thread).
  std::unique_ptr<git::ObjectStore> open() const;

  // Name and origin (the remote `origin` of the repository's config, without credentials; "" if there is none).
  SourceIdentity identity() const;

 private:
  std::filesystem::path link_;
  std::string name_;
};

// "https://user@host:443/a/b.git", "git@host:a/b", "/srv/a/b" -> "host/a/b", "host/a/b", "/srv/a/b": what makes two URLs one origin. Pure.
std::string origin_key(std::string_view url);

}  // namespace tidemark::ingest
