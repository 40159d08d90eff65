#include "ingest/source.hpp"

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "daemon/error.hpp"

namespace tidemark::ingest {

namespace fs = std::filesystem;

namespace {

// Where the link points, or nothing when there is no link.
std::optional<fs::path> read_link(const fs::path& link) {
  std::error_code error;
  auto target = fs::read_symlink(link, error);
  if (!error) return target;
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (error == std::errc::invalid_argument) {
    throw TransientError("source " + link.string() +
                         " is not a symbolic link: it has to be the link that tidemark-sync or git-sync publishes (ROOT/LINK)");
  }
  throw TransientError("read the link " + link.string() + ": " + error.message());
}

}  // namespace

Source::Source(fs::path link, std::string name) : link_(std::move(link)), name_(std::move(name)) {
  // "ROOT/LINK/" would be looked at through the link.
  if (!link_.has_filename()) link_ = link_.parent_path();
}

std::optional<git::Oid> Source::published() const {
  const auto target = read_link(link_);
  if (!target) return std::nullopt;
  const auto folder = target->has_filename() ? target->filename() : target->parent_path().filename();
  auto commit = git::Oid::parse(folder.native());
  if (!commit) {
    throw TransientError("source " + link_.string() + " points to " + target->string() +
                         ", whose last segment is no commit: it has to be the link that tidemark-sync or git-sync publishes");
  }
  return commit;
}

// The `.git` file of the published worktree. The link is read here rather than passed through, so that a flip in between can't mix two trees.
fs::path Source::git_file() const {
  const auto target = read_link(link_);
  if (!target) throw TransientError("source " + link_.string() + " does not exist: nothing has been published yet");
  return link_.parent_path() / *target / ".git";
}

// A worktree is removed soon after the link has left it: what fails while the link moves is tried again where it points then.
std::unique_ptr<git::ObjectStore> Source::open() const {
  constexpr int max_moves = 5;
  for (int moves = 0;; ++moves) {
    const auto before = read_link(link_);
    try {
      return std::make_unique<git::ObjectStore>(git_file());
    } catch (const git::Error&) {
      if (moves == max_moves || read_link(link_) == before) throw;
    }
  }
}

SourceIdentity Source::identity(const git::ObjectStore& store) const {
  SourceIdentity identity{.name = name_, .origin = without_credentials(store.origin_url().value_or(""))};
  if (identity.name.empty()) identity.name = name_from_origin(identity.origin);
  if (identity.name.empty()) {
    throw StalledError("the repository behind " + link_.string() +
                       " has no remote `origin` to take the source's name from: give it by --source-name");
  }
  return identity;
}

}  // namespace tidemark::ingest
