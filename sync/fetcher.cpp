#include "sync/fetcher.hpp"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/units.hpp"
#include "sync/http_stack.hpp"
#include "sync/local_copy.hpp"

namespace tidemark::sync {

namespace {

// The one place that knows what which libgit2 can do.
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7
constexpr bool can_fetch_shallow = true;
void set_depth(git_fetch_options& options, std::int64_t depth) { options.depth = static_cast<int>(depth); }
void set_home(const char* home) { git::check(git_libgit2_opts(GIT_OPT_SET_HOMEDIR, home), "set the home directory of libgit2"); }
#else
constexpr bool can_fetch_shallow = false;
void set_depth(git_fetch_options&, std::int64_t) {}
void set_home(const char* home) { setenv("HOME", home, 1); }
#endif

constexpr std::int64_t whole_history = 0x7fffffff;  // git's own number for it
constexpr const char* fetched_ref = "refs/tidemark/fetched";

bool is_end_of(const std::string& name) { return name.ends_with("^{}"); }

}  // namespace

// libgit2's callbacks share one payload.
struct Fetcher::Callbacks {
  static int credentials(git_credential** out, const char* url, const char* user, unsigned int allowed, void* payload) {
    return Credentials::acquire(out, url, user, allowed, &static_cast<Fetcher*>(payload)->credentials_);
  }

  static int certificate(git_cert* certificate, int valid, const char* host, void* payload) {
    return Credentials::check_certificate(certificate, valid, host, &static_cast<Fetcher*>(payload)->credentials_);
  }

  static int progress(const git_indexer_progress* progress, void* payload) {
    auto* self = static_cast<Fetcher*>(payload);
    const std::size_t before = std::exchange(self->received_bytes_, progress->received_bytes);
    if (self->calls_.received && self->received_bytes_ > before) self->calls_.received(static_cast<std::int64_t>(self->received_bytes_ - before));
    return interrupted(payload);
  }

  static int sideband(const char* text, int size, void* payload) {
    auto* self = static_cast<Fetcher*>(payload);
    self->remote_message_.append({text, static_cast<std::size_t>(std::max(size, 0))});
    return interrupted(payload);
  }

  static int interrupted(void* payload) {
    return static_cast<Fetcher*>(payload)->connections_.interruption() == Connections::Interruption::none ? 0 : GIT_EUSER;
  }

  static int transport(git_transport** out, git_remote* owner, void* payload);

  static git_remote_callbacks of(Fetcher* fetcher) {
    git_remote_callbacks callbacks = GIT_REMOTE_CALLBACKS_INIT;
    if (fetcher->http_) callbacks.transport = transport;
    callbacks.credentials = credentials;
    callbacks.certificate_check = certificate;
    callbacks.transfer_progress = progress;
    callbacks.sideband_progress = sideband;
    callbacks.payload = fetcher;
    return callbacks;
  }
};

int Fetcher::Callbacks::transport(git_transport** out, git_remote* owner, void* payload) {
  return static_cast<Fetcher*>(payload)->http_->smart.make_transport(out, owner);
}

Fetcher::Fetcher(const SyncSettings& settings, Repository& repository, Log& log, RemoteCalls calls)
    : settings_(settings), repository_(repository), log_(log), credentials_(settings), calls_(std::move(calls)) {
  const RemoteUrl& remote = credentials_.remote();
  if (remote.transport == RemoteUrl::Transport::http)
    http_ = std::make_unique<HttpStack>(settings_, remote.url, connections_, calls_);
  if (remote.transport == RemoteUrl::Transport::ssh) set_home((repository_.git_directory() / "tidemark-home").c_str());
}

Fetcher::~Fetcher() = default;

// Runs `work` so that `stop` and the sync timeout end it, and makes every failure a TransientError that says what was tried and what to check.
template <typename Work>
auto Fetcher::attempt(const std::string& action, std::stop_token stop, Work work) {
  const Connections::Attempt attempt(connections_, stop, Connections::Clock::now() + settings_.sync_timeout);
  try {
    return work();
  } catch (const TransientError& error) {
    disconnect();
    fail(action, error.what());
  } catch (const git::Error& error) {
    disconnect();
    fail(action, error.what());
  }
}

void Fetcher::fail(const std::string& action, const std::string& reason) {
  const std::string what = action + " " + credentials_.remote().url + ": ";
  if (connections_.interruption() == Connections::Interruption::stopped) throw TransientError(what + "stopped");
  if (connections_.interruption() == Connections::Interruption::timed_out) {
    throw TransientError(what + "not done after " + format_duration(settings_.sync_timeout) + "; check the network, or raise --sync-timeout");
  }
  if (!credentials_.refusal().empty()) throw TransientError(what + credentials_.refusal());
  std::string text = connections_.problem().empty() ? reason : connections_.problem();
  const std::string words = remote_message_.last_words();
  if (text == reason && !words.empty()) text += " (the server said: " + words + ")";
  throw TransientError(what + redact_credentials(text));
}

Fetcher::Heads Fetcher::connect() {
  disconnect();
  credentials_.begin();
  connections_.forget_problem();
  remote_message_.clear();
  const RemoteUrl& url = credentials_.remote();
  // libgit2 takes a path where nothing is for a URL of an unknown protocol.
  std::error_code unknown;
  if (url.transport == RemoteUrl::Transport::local && !std::filesystem::exists(url.path, unknown)) {
    throw git::Error(unknown ? url.path + ": " + unknown.message() : url.path + " does not exist; check --repo");
  }
  if (url.transport == RemoteUrl::Transport::ssh) credentials_.prepare_home(repository_.git_directory() / "tidemark-home");
  git_remote* created = nullptr;
  // Nobody configures url.*.insteadOf in our repository, and looking for it leaks 20 KiB for each line of its configuration (libgit2 1.5 with PCRE2).
  git_remote_create_options how = GIT_REMOTE_CREATE_OPTIONS_INIT;
  how.repository = repository_.get();
  how.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  git::check(git_remote_create_with_opts(&created, url.url.c_str(), &how), "use the URL");
  remote_.reset(created);
  git_remote_connect_options options = GIT_REMOTE_CONNECT_OPTIONS_INIT;
  options.callbacks = Callbacks::of(this);
  git::check(git_remote_connect_ext(created, GIT_DIRECTION_FETCH, &options), "connect");
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  git::check(git_remote_ls(&heads, &count, created), "list the refs");
  Heads result;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = heads[i]->name;
    if (!is_end_of(name) && name != "capabilities") result.push_back({name, git::from_git(heads[i]->oid)});
  }
  return result;
}

void Fetcher::disconnect() { remote_.reset(); }

RemoteRef Fetcher::find_ref(const Heads& heads) const {
  if (heads.empty()) throw git::Error("the repository has no commits yet; push one");
  const std::string& ref = settings_.ref;
  for (const std::string& name : ref_names(ref)) {
    const auto found = std::ranges::find(heads, name, &RemoteRef::name);
    if (found != heads.end()) return *found;
  }
  if (ref == "HEAD") throw git::Error("its HEAD names a branch that does not exist; name a branch by --ref");
  throw git::Error("there is no branch or tag '" + ref + "'; check --ref");
}

RemoteRef Fetcher::resolve(std::stop_token stop) {
  if (const auto hash = git::Oid::parse(settings_.ref)) return {"", *hash};
  return attempt("ask for the refs of", stop, [&] {
    RemoteRef ref = poll();
    // With nothing to fetch, a connection would only hold a process on the server.
    if (has(ref.oid)) disconnect();
    return ref;
  });
}

RemoteRef Fetcher::poll() {
  if (!http_) return find_ref(connect());
  disconnect();
  const Heads heads = http_->poll.find(ref_names(settings_.ref), connections_.token());
  return heads.empty() ? find_ref(connect()) : find_ref(heads);  // why there is none takes all refs to say
}

bool Fetcher::has(const git::Oid& oid) const {
  git_odb* odb = nullptr;
  git::check(git_repository_odb(&odb, repository_.get()), "open the objects");
  const git::OdbHandle handle(odb);
  const git_oid id = git::to_git(oid);
  return git_odb_exists_ext(odb, &id, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

git::Oid Fetcher::fetch(const RemoteRef& ref, std::stop_token stop) {
  return attempt("fetch from", stop, [&] {
    git::Oid oid = ref.oid;
    if (credentials_.remote().transport == RemoteUrl::Transport::local) {
      copy_local(oid);
    } else if (!has(oid)) {
      if (!can_fetch_shallow && git_repository_is_shallow(repository_.get()) == 1) {
        disconnect();
        repository_.start_afresh("it holds a part of the history, which this libgit2 cannot add to");
      }
      if (ref.name.empty())
        download_hash(oid);
      else
        oid = download_ref(ref);
      disconnect();
    }
    const git::Oid commit = peel(oid);
    store_ref(commit);
    return commit;
  });
}

void Fetcher::copy_local(const git::Oid& oid) {
  disconnect();
  const std::filesystem::path& target = repository_.git_directory();
  if (has(oid) && !LocalCopy::is_incomplete(target)) return;
  try {
    LocalCopy(credentials_.remote().path, target, [this] {
      if (connections_.interruption() != Connections::Interruption::none) throw git::Error("interrupted");
    }).bring(oid);
  } catch (const std::filesystem::filesystem_error& error) {
    throw git::Error(error.what());
  } catch (const git::ObjectMissing& missing) {
    if (missing.oid == oid && settings_.ref == oid.hex()) throw git::Error("the commit " + oid.hex() + " is not there; check --ref");
    throw;
  }
}

void Fetcher::download(const std::vector<std::string>& refspecs, std::int64_t depth) {
  received_bytes_ = 0;
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks = Callbacks::of(this);
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  // Going back from a part of the history to all of it has to be asked for.
  set_depth(options, depth > 0 || git_repository_is_shallow(repository_.get()) != 1 ? depth : whole_history);
  if (!can_fetch_shallow && settings_.depth > 0 && !std::exchange(said_full_, true)) {
    log_.info("this libgit2 cannot fetch a part of the history; fetching all of it", {{"depth", settings_.depth}});
  }
  std::vector<char*> texts;
  for (const auto& refspec : refspecs) texts.push_back(const_cast<char*>(refspec.c_str()));
  const git_strarray array = {texts.data(), texts.size()};
  git::check(git_remote_download(remote_.get(), &array, &options), "download");
}

git::Oid Fetcher::download_ref(const RemoteRef& ref) {
  if (!remote_ && download_known(ref)) return ref.oid;
  const git::Oid oid = remote_ ? ref.oid : find_ref(connect()).oid;
  if (!has(oid)) download({"+" + ref.name + ":" + fetched_ref}, settings_.depth);
  return oid;
}

// Without listing the refs again. Not when the server refuses: the ref has moved since, or it is a server that wants to be asked.
bool Fetcher::download_known(const RemoteRef& ref) {
  const auto listing = http_ ? http_->poll.as_v0() : std::nullopt;
  if (!listing) return false;
  try {
    http_->smart.answer_next_listing(*listing);
    connect();
    download({"+" + ref.name + ":" + fetched_ref}, settings_.depth);
    return true;
  } catch (const git::Error& refused) {
    http_->smart.ask_next_listing();
    disconnect();
    if (connections_.interruption() != Connections::Interruption::none) throw;
    log_.debug("the server does not give what it has just listed; asking again", {{"ref", ref.name}, {"reason", refused.what()}});
    return false;
  }
}

void Fetcher::download_hash(const git::Oid& oid) {
  const Heads heads = connect();
  if (heads.empty()) throw git::Error("the repository has no commits yet; push one");
  try {
    download({oid.hex() + ":" + fetched_ref}, settings_.depth);
  } catch (const git::Error& refused) {
    if (connections_.interruption() != Connections::Interruption::none) throw;
    log_.info("the server does not give a commit by its hash; fetching all branches and tags", {{"commit", oid.hex()}, {"reason", refused.what()}});
    connect();
    download({"+refs/heads/*:refs/tidemark/heads/*", "+refs/tags/*:refs/tidemark/tags/*"}, 0);
  }
  git_odb* odb = nullptr;
  git::check(git_repository_odb(&odb, repository_.get()), "open the objects");
  const git::OdbHandle handle(odb);
  git::check(git_odb_refresh(odb), "look for the new objects");
  if (!has(oid)) throw git::Error("the commit " + oid.hex() + " is in none of its branches and tags; check --ref");
}

git::Oid Fetcher::peel(const git::Oid& oid) const {
  const git_oid id = git::to_git(oid);
  git_object* found = nullptr;
  git::check(git_object_lookup(&found, repository_.get(), &id, GIT_OBJECT_ANY), "read " + oid.hex());
  const git::ObjectHandle object(found);
  git_object* peeled = nullptr;
  if (git_object_peel(&peeled, found, GIT_OBJECT_COMMIT) < 0) {
    throw git::Error("'" + settings_.ref + "' is a " + git_object_type2string(git_object_type(found)) +
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
