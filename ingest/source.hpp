// What sync (or git-sync) published: the link and the object store behind it. The volume may be read-only.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "git/object_store.hpp"
#include "ingest/state.hpp"

namespace tidemark::ingest {

class Source {
 public:
  // `link`: ROOT/LINK, wherever git-sync's --link puts it. `name`: --source-name, or "" for the last segment of the origin's URL.
  Source(std::filesystem::path link, std::string name);

  // Where the link points now, or nothing while nothing was published. Throws TransientError when the link is not one of sync's or can't be read. Any
  // thread.
  std::optional<git::Oid> published() const;

  // The object store behind the link, opened afresh; the caller's own (one thread). Throws TransientError when there is nothing behind the link,
  // git::Error as ObjectStore.
  std::unique_ptr<git::ObjectStore> open() const;

  // Name and origin (the remote `origin` of the repository's config, without credentials; "" if there is none). Throws StalledError when there is no
  // name to be had.
  SourceIdentity identity(const git::ObjectStore& store) const;

  const std::filesystem::path& link() const { return link_; }

 private:
  std::filesystem::path git_file() const;

  std::filesystem::path link_;
  std::string name_;
};

// "https://user@host:443/a/b.git", "git@host:a/b", "/srv/a/b" -> "host/a/b", "host/a/b", "/srv/a/b": what makes two URLs one origin. Pure.
std::string origin_key(std::string_view url);
// A URL without its user and password. Pure.
std::string without_credentials(std::string_view url);
// The last segment of origin_key, without a bundle's extension, as git clone names its folder. Pure.
std::string name_from_origin(std::string_view url);

}  // namespace tidemark::ingest
