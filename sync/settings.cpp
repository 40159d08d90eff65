#include "sync/settings.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/http_server.hpp"
#include "sync/old_spellings.hpp"

namespace tidemark::sync {

namespace {

using Problem = std::optional<std::string>;

template <typename Value>
std::function<Problem(std::string_view)> one_of(Value& target, std::vector<std::pair<std::string, Value>> values) {
  return [&target, values = std::move(values)](std::string_view text) -> Problem {
    std::string names;
    for (const auto& [name, value] : values) {
      if (text == name) {
        target = value;
        return {};
      }
      names += (names.empty() ? "" : ", ") + name;
    }
    return "not one of " + names;
  };
}

bool has_credentials(std::string_view repo) {
  const auto scheme = repo.find("://");
  if (scheme == std::string_view::npos || repo.starts_with("ssh")) return false;
  const auto host = repo.substr(scheme + 3, repo.find('/', scheme + 3) - scheme - 3);
  return host.find('@') != std::string_view::npos;
}

void declare(Settings& options, SyncSettings& s) {
  options.add({"repo", "repository to follow: a URL (https, ssh, git, file), user@host:path, or a path", "Source", "REPO"}, s.repo);
  options.add({"ref", "branch, tag or full commit hash to follow", "Source", "REF"}, s.ref);
  options.add({"depth", "how many commits of history to fetch; 0 for all", "Source", "N"}, s.depth);
  options.add({"root", "folder to work in; holds the repository and the published trees", "Publishing", "PATH"}, s.root);
  options.add({"link", "symbolic link to the published tree, absolute or below --root (default: the last segment of --repo)", "Publishing", "PATH"}, s.link);
  options.add({"checkout", "what a published tree holds: full (its files) or none (consumers read the repository)", "Publishing", "full|none"}, "full",
              one_of<Checkout>(s.checkout, {{"full", Checkout::full}, {"none", Checkout::none}}));
  options.add({"period", "time between two looks at the remote, at least 10ms", "Loop"}, s.period);
  options.add({"sync-timeout", "limit of one pass: fetch and checkout", "Loop"}, s.sync_timeout);
  options.add({"one-time", "sync once, then exit", "Loop"}, s.one_time);
  options.add({"max-failures", "failures in a row before the first success after which the process gives up; negative for never", "Loop", "N"}, s.max_failures);
  options.add({"webhook-url", "where to POST after each publication", "Webhook", "URL"}, s.webhook_url);
  options.add({"webhook-timeout", "limit of one call, at least 1s", "Webhook"}, s.webhook_timeout);
  options.add({"webhook-backoff", "wait after a first failed call, at least 1s; doubles with each further failure", "Webhook"}, s.webhook_backoff);
  options.add({"http-bind", "address for health, metrics and POST /sync, as :8080 or 127.0.0.1:8080 (default: none)", "HTTP", "HOST:PORT"}, s.http_bind);
  options.add({"username", "user for http(s)", "Credentials", "NAME"}, s.username);
  options.add({"password-file", "file with the password or token for --username, read at every sync", "Credentials", "PATH"}, s.password_file);
  Settings::Option password{"password", "password or token for --username"};
  password.environment_only = true;
  options.add(std::move(password), s.password);
  options.add({"ssh-key-file", "private key for ssh; may be repeated", "Credentials", "PATH"}, s.ssh_key_files);
  options.add({"ssh-known-hosts", "whether ssh host keys must be in --ssh-known-hosts-file", "Credentials"}, s.ssh_known_hosts);
  options.add({"ssh-known-hosts-file", "known_hosts file for ssh", "Credentials", "PATH"}, s.ssh_known_hosts_file);
  options.add({"log-format", "text or json, one line per event on standard error", "Log", "text|json"}, "text",
              one_of<LogFormat>(s.log_format, {{"text", LogFormat::text}, {"json", LogFormat::json}}));
  options.add({"log-level", "debug, info, warning or error", "Log", "LEVEL"}, "info",
              one_of<LogLevel>(s.log_level, {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}}));
}

void check_source(Settings& options, SyncSettings& s) {
  options.check([&]() -> Problem { return s.repo.empty() ? Problem("--repo is missing: the repository to follow") : std::nullopt; });
  options.check([&]() -> Problem { return s.root.empty() ? Problem("--root is missing: the folder to work in") : std::nullopt; });
  options.check([&]() -> Problem { return s.ref.empty() ? Problem("--ref is empty: name a branch, a tag or a full hash") : std::nullopt; });
  options.check([&]() -> Problem { return s.depth < 0 ? Problem("--depth must be 0 (all history) or more") : std::nullopt; });
  options.check([&]() -> Problem {
    if (s.repo.empty()) return {};
    if (s.link.empty()) s.link = default_link(s.repo);
    if (s.link.empty() || s.link == "." || s.link == "..") return "--link is missing: --repo does not end in a name for it";
    return {};
  });
}

void check_times(Settings& options, SyncSettings& s) {
  using std::chrono::milliseconds, std::chrono::seconds;
  options.check([&]() -> Problem { return s.period < milliseconds(10) ? Problem("--period must be at least 10ms") : std::nullopt; });
  options.check([&]() -> Problem { return s.sync_timeout < milliseconds(10) ? Problem("--sync-timeout must be at least 10ms") : std::nullopt; });
  options.check([&]() -> Problem {
    return !s.webhook_url.empty() && s.webhook_timeout < seconds(1) ? Problem("--webhook-timeout must be at least 1s") : std::nullopt;
  });
  options.check([&]() -> Problem {
    return !s.webhook_url.empty() && s.webhook_backoff < seconds(1) ? Problem("--webhook-backoff must be at least 1s") : std::nullopt;
  });
}

void check_addresses(Settings& options, SyncSettings& s) {
  options.check([&]() -> Problem {
    const bool is_http = s.webhook_url.starts_with("http://") || s.webhook_url.starts_with("https://");
    return !s.webhook_url.empty() && !is_http ? Problem("--webhook-url must begin with http:// or https://") : std::nullopt;
  });
  options.check([&]() -> Problem {
    return !s.http_bind.empty() && !ListenAddress::parse(s.http_bind) ? Problem("--http-bind must be HOST:PORT or :PORT") : std::nullopt;
  });
}

void check_credentials(Settings& options, SyncSettings& s) {
  options.check([&]() -> Problem {
    if (s.username.empty() && !s.password.empty()) return "GITSYNC_PASSWORD needs --username";
    if (s.username.empty() && !s.password_file.empty()) return "--password-file needs --username";
    if (s.username.empty()) return {};
    if (s.password.empty() && s.password_file.empty()) return "--username needs GITSYNC_PASSWORD or --password-file";
    if (!s.password.empty() && !s.password_file.empty()) return "GITSYNC_PASSWORD and --password-file exclude each other";
    if (has_credentials(s.repo)) return "--username and a user in --repo exclude each other";
    return {};
  });
}

}  // namespace

std::optional<SyncSettings> read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out) {
  SyncSettings settings;
  Settings options("tidemark-sync", "Follows a Git repository and publishes each revision under a link.", "GITSYNC");
  declare(options, settings);
  check_source(options, settings);
  check_times(options, settings);
  check_addresses(options, settings);
  check_credentials(options, settings);
  const auto arguments = with_new_flags({argv, argv + argc});
  std::vector<const char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(argument.c_str());
  if (!options.parse(static_cast<int>(pointers.size()), pointers.data(), with_new_variables(environment), out)) return std::nullopt;
  return settings;
}

std::string default_link(std::string_view repo) {
  while (repo.ends_with('/')) repo.remove_suffix(1);
  const auto slash = repo.rfind('/');
  return std::string(slash == std::string_view::npos ? repo : repo.substr(slash + 1));
}

}  // namespace tidemark::sync
