#include "sync/listen/push_listener.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/error.hpp"
#include "git/oid.hpp"
#include "sync/listen/repository_name.hpp"
#include "sync/remote/ref_listing.hpp"

namespace tidemark::sync {

namespace {

constexpr auto shortest_pause = std::chrono::seconds(1);  // between two passes that pushes start
constexpr auto refusal_pause = std::chrono::minutes(1);   // between two lines about strangers

HttpServer::Options server_options(const ListenAddress& address, bool has_secret) {
  HttpServer::Options options;
  options.max_body_bytes = 4 * 1024 * 1024;  // some thousand commits
  options.max_threads = 4;                   // so many bodies at a time
  options.read_timeout = std::chrono::seconds(5);
  // Behind a proxy on the same host the calls have its public name, and it is their signature that counts.
  options.access.check_host = address.is_loopback() && !has_secret;
  return options;
}

ListenAddress parsed(const std::string& text) {
  const auto address = ListenAddress::parse(text);
  if (!address) throw ConfigError("--listen must be HOST:PORT or :PORT");
  return *address;
}

}  // namespace

Followed::Followed(const SyncSettings& settings)
    : ref_(settings.ref), ref_names_(ref_names(settings.ref)), is_hash_(git::Oid::parse(settings.ref).has_value()) {
  if (auto name = repository_name(settings.repo)) repositories_.insert(std::move(*name));
  for (const auto& url : settings.listen_repos)
    if (auto name = repository_name(url)) repositories_.insert(std::move(*name));
}

bool Followed::is_ours(const std::string& ref, const PushEvent& push) const {
  if (ref_ != "HEAD") return std::ranges::find(ref_names_, ref) != ref_names_.end();
  return push.default_branch.empty() ? ref.starts_with("refs/heads/") : ref == "refs/heads/" + push.default_branch;
}

std::string Followed::reason_to_ignore(const PushEvent& push) const {
  const auto is_known = [&](const std::string& url) {
    const auto name = repository_name(url);
    return name && repositories_.contains(*name);
  };
  if (std::ranges::none_of(push.repositories, is_known)) return "it is about another repository than --repo and --listen-repo";
  if (is_hash_ || push.has_more_refs) return "";
  if (std::ranges::none_of(push.refs, [&](const std::string& ref) { return is_ours(ref, push); })) return "it is about another ref than --ref";
  return "";
}

PushListener::PushListener(const SyncSettings& settings, std::function<void()> sync_soon, Metrics& metrics, Log& log)
    : followed_(settings),
      metrics_(metrics),
      log_(log),
      pacer_(std::move(sync_soon), shortest_pause),
      server_(parsed(settings.listen), server_options(parsed(settings.listen), !settings.listen_secret_file.empty()), log) {
  if (!settings.listen_secret_file.empty()) {
    try {
      secrets_.emplace(settings.listen_secret_file).read();
    } catch (const TransientError& error) {
      throw ConfigError(std::string("--listen-secret-file: ") + error.what());
    }
  }
  const auto take_request = [this](const HttpRequest& request) { return take(request); };
  server_.route("POST", "/", take_request);
  server_.route("POST", "/*", take_request);
  server_.route("GET", "/healthz", [](const HttpRequest&) { return HttpResponse{200, "healthy\n", "text/plain; charset=utf-8", {}}; });
}

HttpResponse PushListener::take(const HttpRequest& request) {
  const auto forge = forge_of(request);
  if (!forge) return answer(400, "unknown", "malformed", "no header names an event of GitHub, GitLab, Gitea, Forgejo or Bitbucket");
  const std::string_view name = name_of(*forge);
  if (is_unsigned_ping(*forge, request)) return answer(200, name, "ping", "this test is not signed; a push has to be");
  if (secrets_) {
    Signature signature = Signature::missing;
    try {
      signature = check_signature(*forge, request, secrets_->read());
    } catch (const TransientError& error) {
      log_.error("push event not taken", {{"forge", name}, {"error", error.what()}});
      return answer(503, name, "error", "the secret can't be read; the log says why");
    }
    if (signature != Signature::good) return refused(name, signature);
  }
  try {
    return taken(name, read_push_event(*forge, request));
  } catch (const MalformedEvent& error) {
    return answer(400, name, "malformed", error.what());
  }
}

HttpResponse PushListener::taken(std::string_view forge, const PushEvent& event) {
  if (event.kind == PushEvent::Kind::ping) return answer(200, forge, "ping", "pushes will be taken here");
  if (event.kind == PushEvent::Kind::other) return answer(200, forge, "ignored", "it tells of no push");
  const std::string reason = followed_.reason_to_ignore(event);
  const std::string ref = event.refs.empty() ? "" : event.refs.front();
  if (!reason.empty()) {
    log_.debug("push event ignored", {{"forge", forge}, {"ref", ref}, {"reason", reason}});
    return answer(200, forge, "ignored", reason);
  }
  log_.info("push event", {{"forge", forge}, {"ref", ref}});
  pacer_.ask();
  return answer(202, forge, "accepted", "the remote will be looked at");
}

// Strangers can't fill the log.
HttpResponse PushListener::refused(std::string_view forge, Signature signature) {
  const auto now = std::chrono::steady_clock::now();
  bool says = false;
  {
    const std::lock_guard lock(mutex_);
    says = !said_refused_ || now - *said_refused_ >= refusal_pause;
    if (says) said_refused_ = now;
  }
  if (says) {
    log_.warning("push event refused; more of them in the next minute are only counted",
                 {{"forge", forge},
                  {"reason", signature == Signature::missing ? "it has no signature or token: set a secret at the git server"
                                                             : "its signature or token fits no line of --listen-secret-file"}});
  }
  return answer(401, forge, "unauthorized", "");
}

HttpResponse PushListener::answer(int status, std::string_view forge, std::string_view result, std::string_view why) {
  metrics_
      .counter("tidemark_sync_push_events_total", "How many calls --listen has taken, by the git server and the outcome",
               {{"forge", std::string(forge)}, {"outcome", std::string(result)}})
      .increment();
  nlohmann::ordered_json body{{"result", result}};
  if (!why.empty()) body["reason"] = why;
  return {status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", "application/json", {}};
}

}  // namespace tidemark::sync
