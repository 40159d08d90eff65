// --listen: takes the push webhooks of git servers, and has the remote looked at when one is about what is followed. See docs/webhooks.md.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_server.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "sync/listen/pacer.hpp"
#include "sync/listen/push_event.hpp"
#include "sync/listen/push_signature.hpp"
#include "sync/listen/secret_lines.hpp"
#include "sync/settings/settings.hpp"

namespace tidemark::sync {

// What a pushed event has to be about.
class Followed {
 public:
  explicit Followed(const SyncSettings& settings);
  // Why `push` does not concern us, or "". Pure. HEAD is the default branch, and every branch where the server does not say which that is; a hash is
  // in any push.
  std::string reason_to_ignore(const PushEvent& push) const;

 private:
  bool is_ours(const std::string& ref, const PushEvent& push) const;

  std::set<std::string> repositories_;  // repository_name of --repo and --listen-repo
  std::string ref_;
  std::vector<std::string> ref_names_;
  bool is_hash_;
};

class PushListener {
 public:
  // `sync_soon` is called at most once a second, from another thread; it must not throw. Throws ConfigError when the secrets can't be read.
  PushListener(const SyncSettings& settings, std::function<void()> sync_soon, Metrics& metrics, Log& log);

  // Throws ConfigError when the address can't be bound.
  void start() { server_.start(); }
  std::string address() const { return server_.address(); }

  // One call: 202 accepted; 200 a ping, or ignored, and why; 400 not understood; 401 not by somebody who knows a secret; 503 when the secrets can't
  // be read. Any thread.
  HttpResponse take(const HttpRequest& request);

 private:
  HttpResponse taken(std::string_view forge, const PushEvent& event);
  HttpResponse answer(int status, std::string_view forge, std::string_view result, std::string_view why);
  HttpResponse refused(std::string_view forge, Signature signature);

  const Followed followed_;
  Metrics& metrics_;
  Log& log_;
  std::optional<SecretLines> secrets_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> said_refused_;
  Pacer pacer_;
  HttpServer server_;  // last: it calls what is above
};

}  // namespace tidemark::sync
