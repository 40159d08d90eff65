#include "sync/remote/fetcher.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "daemon/error.hpp"
#include "sync/remote/http_stack.hpp"
#include "sync/remote/local_copy.hpp"

namespace tidemark::sync {

namespace {

constexpr const char* fetched_ref = "refs/tidemark/fetched";

}  // namespace

Fetcher::Fetcher(const SyncSettings& settings, FetchSource source, Network& network, Repository& repository, Log& log)
    : source_(std::move(source)),
      repository_(repository),
      log_(log),
      remote_(settings, RemoteUrl::parse(source_.url, source_.named), source_.named, network, repository) {}

RemoteRef Fetcher::find_ref(const Heads& heads) const {
  if (heads.empty()) throw git::Error("the repository has no commits yet; push one");
  const std::string& ref = source_.ref;
  for (const std::string& name : ref_names(ref)) {
    const auto found = std::ranges::find(heads, name, &RemoteRef::name);
    if (found != heads.end()) return *found;
  }
  if (ref == "HEAD") throw git::Error("its HEAD names a branch that does not exist; name a branch by --ref");
  throw git::Error("there is no branch or tag '" + ref + "'; check --ref");
}

RemoteRef Fetcher::resolve(std::stop_token stop) {
  if (const auto hash = git::Oid::parse(source_.ref)) return {"", *hash};
  RemoteRef ref;
  remote_.attempt("ask for the refs of", std::move(stop), [&] {
    ref = poll();
    // With nothing to fetch, a connection would only hold a process on the server.
    if (has(ref.oid)) remote_.disconnect();
  });
  return ref;
}

RemoteRef Fetcher::poll() {
  HttpStack* const http = remote_.http();
  if (!http) return find_ref(remote_.connect());
  remote_.disconnect();
  const Heads heads = http->poll.find(ref_names(source_.ref), remote_.token());
  return heads.empty() ? find_ref(remote_.connect()) : find_ref(heads);  // why there is none takes all refs to say
}

bool Fetcher::has(const git::Oid& oid) const {
  git_odb* odb = nullptr;
  git::check(git_repository_odb(&odb, repository_.get()), "open the objects");
  const git::OdbHandle handle(odb);
  const git_oid id = git::to_git(oid);
  return git_odb_exists_ext(odb, &id, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

git::Oid Fetcher::fetch(const RemoteRef& ref, std::stop_token stop) {
  git::Oid commit;
  remote_.attempt("fetch from", std::move(stop), [&] {
    commit = peel(brought(ref));
    store_ref(commit);
    if (remote_.url().transport != RemoteUrl::Transport::local) repository_.set_depth(depth_to_have());
    repository_.complete_replacement();
  });
  return commit;
}

git::Oid Fetcher::brought(const RemoteRef& ref) {
  if (remote_.url().transport == RemoteUrl::Transport::local) {
    copy_local(ref.oid);
    return ref.oid;
  }
  if (!is_needed(ref.oid)) return ref.oid;
  if (!can_fetch_shallow() && git_repository_is_shallow(repository_.get()) == 1) {
    remote_.disconnect();
    repository_.start_afresh("it holds a part of the history, which this libgit2 cannot add to");
  }
  git::Oid oid = ref.oid;
  if (ref.name.empty())
    download_hash(oid);
  else
    oid = download_ref(ref);
  remote_.disconnect();
  return oid;
}

bool Fetcher::is_needed(const git::Oid& oid) const { return !has(oid) || is_due_for_depth(); }

std::int64_t Fetcher::depth_to_have() const { return can_fetch_shallow() ? source_.depth : 0; }

bool Fetcher::is_due_for_depth() const {
  if (remote_.url().transport == RemoteUrl::Transport::local) return false;
  if (const auto depth = repository_.depth()) return *depth != depth_to_have();
  return can_fetch_shallow() && depth_to_have() == 0 && git_repository_is_shallow(repository_.get()) == 1;
}

void Fetcher::copy_local(const git::Oid& oid) {
  remote_.disconnect();
  const std::filesystem::path& target = repository_.git_directory();
  if (has(oid) && !LocalCopy::is_incomplete(target)) return;
  try {
    LocalCopy(remote_.url().path, target, [this] {
      if (remote_.is_interrupted()) throw git::Error("interrupted");
    }).bring(oid);
  } catch (const std::filesystem::filesystem_error& error) {
    throw git::Error(error.what());
  } catch (const git::ObjectMissing& missing) {
    if (missing.oid == oid && source_.ref == oid.hex()) throw git::Error("the commit " + oid.hex() + " is not there; " + source_.advice);
    throw;
  }
}

void Fetcher::download(const std::vector<std::string>& refspecs, std::int64_t depth) {
  if (!can_fetch_shallow() && source_.depth > 0 && !std::exchange(said_full_, true)) {
    log_.info("this libgit2 cannot fetch a part of the history; fetching all of it", {{"depth", source_.depth}});
  }
  remote_.download(refspecs, depth);
}

git::Oid Fetcher::download_ref(const RemoteRef& ref) {
  if (!remote_.is_connected() && download_known(ref)) return ref.oid;
  const git::Oid oid = remote_.is_connected() ? ref.oid : find_ref(remote_.connect()).oid;
  if (is_needed(oid)) download({"+" + ref.name + ":" + fetched_ref}, source_.depth);
  return oid;
}

// Without listing the refs again. Not when the server refuses: the ref has moved since, or it is a server that wants to be asked.
bool Fetcher::download_known(const RemoteRef& ref) {
  HttpStack* const http = remote_.http();
  const auto listing = http ? http->poll.as_v0() : std::nullopt;
  if (!listing) return false;
  try {
    http->smart.answer_next_listing(*listing);
    remote_.connect();
    download({"+" + ref.name + ":" + fetched_ref}, source_.depth);
    return true;
  } catch (const git::Error& refused) {
    http->smart.ask_next_listing();
    remote_.disconnect();
    if (remote_.is_interrupted()) throw;
    log_.debug("the server does not give what it has just listed; asking again", {{"ref", ref.name}, {"reason", refused.what()}});
    return false;
  }
}

void Fetcher::download_hash(const git::Oid& oid) {
  if (remote_.connect().empty()) throw git::Error("the repository has no commits yet; push one");
  try {
    download({oid.hex() + ":" + fetched_ref}, source_.depth);
  } catch (const git::Error& refused) {
    if (remote_.is_interrupted()) throw;
    log_.info("the server does not give a commit by its hash; fetching all branches and tags", {{"commit", oid.hex()}, {"reason", refused.what()}});
    remote_.connect();
    download({"+refs/heads/*:refs/tidemark/heads/*", "+refs/tags/*:refs/tidemark/tags/*"}, 0);
  }
  git_odb* odb = nullptr;
  git::check(git_repository_odb(&odb, repository_.get()), "open the objects");
  const git::OdbHandle handle(odb);
  git::check(git_odb_refresh(odb), "look for the new objects");
  if (!has(oid)) throw git::Error("the commit " + oid.hex() + " is in none of its branches and tags; " + source_.advice);
}

git::Oid Fetcher::peel(const git::Oid& oid) const {
  const git_oid id = git::to_git(oid);
  git_object* found = nullptr;
  git::check(git_object_lookup(&found, repository_.get(), &id, GIT_OBJECT_ANY), "read " + oid.hex());
  const git::ObjectHandle object(found);
  git_object* peeled = nullptr;
  if (git_object_peel(&peeled, found, GIT_OBJECT_COMMIT) < 0) {
    throw git::Error("'" + source_.ref + "' is a " + git_object_type2string(git_object_type(found)) +
                     " that leads to no commit; name a branch, a tag of a commit or a commit by --ref");
  }
  const git::ObjectHandle target(peeled);
  return git::from_git(*git_object_id(peeled));
}

// What the next fetch tells the server that we have.
void Fetcher::store_ref(const git::Oid& oid) {
  const git_oid id = git::to_git(oid);
  git_reference* created = nullptr;
  git::check(git_reference_create(&created, repository_.get(), fetched_ref, &id, 1, "fetched"), "write " + std::string(fetched_ref));
  git_reference_free(created);
}

}  // namespace tidemark::sync
