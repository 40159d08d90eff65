#include "sync/remote/git_remote.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/units.hpp"
#include "sync/remote/http_stack.hpp"

namespace tidemark::sync {

namespace {

#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7
constexpr bool knows_depth = true;
void set_depth(git_fetch_options& options, std::int64_t depth) { options.depth = static_cast<int>(depth); }
#else
constexpr bool knows_depth = false;
void set_depth(git_fetch_options&, std::int64_t) {}
#endif

constexpr std::int64_t whole_history = 0x7fffffff;  // git's own number for it

// What stands in the URL of a submodule; the network has what stands in --repo. A user alone is one to ask for by --credential.
std::optional<HttpLogin> own_login(const SyncSettings& settings, const RemoteUrl& url) {
  if (!url.password || url.url == RemoteUrl::parse(settings.repo).url) return std::nullopt;
  return HttpLogin{url.user.value_or(""), *url.password};
}

bool is_end_of(const std::string& name) { return name.ends_with("^{}"); }

}  // namespace

bool can_fetch_shallow() { return knows_depth; }

// libgit2's callbacks share one payload.
struct GitRemote::Callbacks {
  static int credentials(git_credential** out, const char* url, const char* user, unsigned int allowed, void* payload) {
    return Credentials::acquire(out, url, user, allowed, &static_cast<GitRemote*>(payload)->credentials_);
  }

  static int certificate(git_cert* certificate, int valid, const char* host, void* payload) {
    return Credentials::check_certificate(certificate, valid, host, &static_cast<GitRemote*>(payload)->credentials_);
  }

  static int progress(const git_indexer_progress* progress, void* payload) {
    auto* self = static_cast<GitRemote*>(payload);
    const std::size_t before = std::exchange(self->received_bytes_, progress->received_bytes);
    const auto& received = self->network_.calls.received;
    if (received && self->received_bytes_ > before) received(static_cast<std::int64_t>(self->received_bytes_ - before));
    return interrupted(payload);
  }

  static int sideband(const char* text, int size, void* payload) {
    auto* self = static_cast<GitRemote*>(payload);
    self->remote_message_.append({text, static_cast<std::size_t>(std::max(size, 0))});
    return interrupted(payload);
  }

  static int interrupted(void* payload) { return static_cast<GitRemote*>(payload)->is_interrupted() ? GIT_EUSER : 0; }

  static int transport(git_transport** out, git_remote* owner, void* payload) {
    return static_cast<GitRemote*>(payload)->http_->smart.make_transport(out, owner);
  }

  static git_remote_callbacks of(GitRemote* remote) {
    git_remote_callbacks callbacks = GIT_REMOTE_CALLBACKS_INIT;
    if (remote->http_) callbacks.transport = transport;
    callbacks.credentials = credentials;
    callbacks.certificate_check = certificate;
    callbacks.transfer_progress = progress;
    callbacks.sideband_progress = sideband;
    callbacks.payload = remote;
    return callbacks;
  }
};

GitRemote::GitRemote(const SyncSettings& settings, const RemoteUrl& url, std::string named, Network& network, Repository& repository)
    : settings_(settings), named_(std::move(named)), network_(network), repository_(repository), credentials_(settings, url) {
  if (url.transport == RemoteUrl::Transport::http) http_ = std::make_unique<HttpStack>(url, named_, own_login(settings, url), network_);
}

GitRemote::~GitRemote() = default;

void GitRemote::attempt(const std::string& action, std::stop_token stop, const std::function<void()>& work) {
  const Connections::Attempt attempt(network_.connections, network_.alarm, std::move(stop), Alarm::Clock::now() + settings_.sync_timeout);
  try {
    work();
  } catch (const TransientError& error) {
    disconnect();
    fail(action, error.what());
  } catch (const git::Error& error) {
    disconnect();
    fail(action, error.what());
  }
}

void GitRemote::fail(const std::string& action, const std::string& reason) {
  const std::string what = action + " " + url().url + ": ";
  const Connections& connections = network_.connections;
  if (connections.interruption() == Connections::Interruption::stopped) throw TransientError(what + "stopped");
  if (connections.interruption() == Connections::Interruption::timed_out) {
    throw TransientError(what + "not done after " + format_duration(settings_.sync_timeout) + "; check the network, or raise --sync-timeout");
  }
  if (!credentials_.refusal().empty()) throw TransientError(what + credentials_.refusal());
  std::string text = connections.problem().empty() ? reason : connections.problem();
  const std::string words = remote_message_.last_words();
  if (text == reason && !words.empty()) text += " (the server said: " + words + ")";
  throw TransientError(what + redact_credentials(text));
}

GitRemote::Heads GitRemote::connect() {
  disconnect();
  credentials_.begin();
  network_.connections.forget_problem();
  remote_message_.clear();
  // libgit2 takes a path where nothing is for a URL of an unknown protocol.
  std::error_code unknown;
  if (url().transport == RemoteUrl::Transport::local && !std::filesystem::exists(url().path, unknown)) {
    throw git::Error(unknown ? url().path + ": " + unknown.message() : url().path + " does not exist; check " + named_);
  }
  if (url().transport == RemoteUrl::Transport::ssh) credentials_.prepare_home(network_.home);
  git_remote* created = nullptr;
  // Nobody configures url.*.insteadOf in our repository, and looking for it leaks 20 KiB for each line of its configuration (libgit2 1.5 with PCRE2).
  git_remote_create_options how = GIT_REMOTE_CREATE_OPTIONS_INIT;
  how.repository = repository_.get();
  how.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  git::check(git_remote_create_with_opts(&created, url().url.c_str(), &how), "use the URL");
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

void GitRemote::download(const std::vector<std::string>& refspecs, std::int64_t depth) {
  received_bytes_ = 0;
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks = Callbacks::of(this);
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  // Going back from a part of the history to all of it has to be asked for.
  set_depth(options, depth > 0 || git_repository_is_shallow(repository_.get()) != 1 ? depth : whole_history);
  std::vector<char*> texts;
  for (const auto& refspec : refspecs) texts.push_back(const_cast<char*>(refspec.c_str()));
  const git_strarray array = {texts.data(), texts.size()};
  git::check(git_remote_download(remote_.get(), &array, &options), "download");
}

}  // namespace tidemark::sync
