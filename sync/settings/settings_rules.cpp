#include "sync/settings/settings_rules.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/http_server.hpp"
#include "sync/settings/settings_access.hpp"

namespace tidemark::sync {

namespace {

using Problem = std::optional<std::string>;

// Looking at the remote is then for what the webhooks did not tell.
constexpr auto period_while_listening = std::chrono::minutes(1);

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
  options.check([&]() -> Problem {
    if (s.listen.empty() || options.was_set("period")) return {};
    if (s.init_period.count() == 0) s.init_period = s.period;
    s.period = period_while_listening;
    return {};
  });
  options.check([&]() -> Problem { return s.period < milliseconds(10) ? Problem("--period must be at least 10ms") : std::nullopt; });
  options.check([&]() -> Problem {
    const bool short_one = s.init_period.count() > 0 && s.init_period < milliseconds(10);
    return short_one ? Problem("--init-period must be at least 10ms") : std::nullopt;
  });
  options.check([&]() -> Problem {
    const bool always_stale = s.stale_after.count() > 0 && s.stale_after <= s.period;
    return always_stale ? Problem("--stale-after must be longer than --period: it would be stale between two passes") : std::nullopt;
  });
  options.check([&]() -> Problem { return s.sync_timeout < milliseconds(10) ? Problem("--sync-timeout must be at least 10ms") : std::nullopt; });
}

// A hook's times count only where there is that hook.
void check_hooks(Settings& options, SyncSettings& s) {
  const auto at_least_a_second = [&options](const std::string& command, const Duration& time, const char* flag) {
    options.check([&command, &time, flag]() -> Problem {
      return !command.empty() && time < std::chrono::seconds(1) ? Problem(std::string(flag) + " must be at least 1s") : std::nullopt;
    });
  };
  at_least_a_second(s.webhook_url, s.webhook_timeout, "--webhook-timeout");
  at_least_a_second(s.webhook_url, s.webhook_backoff, "--webhook-backoff");
  at_least_a_second(s.exechook_command, s.exechook_timeout, "--exechook-timeout");
  at_least_a_second(s.exechook_command, s.exechook_backoff, "--exechook-backoff");
  at_least_a_second(s.pre_publish_command, s.pre_publish_timeout, "--pre-publish-exechook-timeout");
  at_least_a_second(s.pre_publish_command, s.pre_publish_backoff, "--pre-publish-exechook-backoff");
  options.check([&]() -> Problem {
    const auto is_token = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; };
    const bool good = !s.webhook_method.empty() && std::all_of(s.webhook_method.begin(), s.webhook_method.end(), is_token);
    return good ? std::nullopt : Problem("--webhook-method must be an HTTP method, such as POST, PUT or GET");
  });
}

void check_addresses(Settings& options, SyncSettings& s) {
  options.check([&]() -> Problem {
    const bool is_http = s.webhook_url.starts_with("http://") || s.webhook_url.starts_with("https://");
    return !s.webhook_url.empty() && !is_http ? Problem("--webhook-url must begin with http:// or https://") : std::nullopt;
  });
  options.check([&]() -> Problem {
    const bool is_http = s.askpass_url.starts_with("http://") || s.askpass_url.starts_with("https://");
    return !s.askpass_url.empty() && !is_http ? Problem("--askpass-url must begin with http:// or https://") : std::nullopt;
  });
  options.check([&]() -> Problem {
    return !s.http_bind.empty() && !ListenAddress::parse(s.http_bind) ? Problem("--http-bind must be HOST:PORT or :PORT") : std::nullopt;
  });
}

// What is told by a file must not lie where the root keeps its own.
void check_files(Settings& options, SyncSettings& s) {
  const auto add = [&](const std::string& path, const char* flag) {
    options.check([&path, &s, flag]() -> Problem {
      if (path.empty() || is_file_of_its_own(s, path)) return {};
      return std::string(flag) + " must name a file that is not the link and not in .git or .worktrees";
    });
  };
  add(s.error_file, "--error-file");
  add(s.touch_file, "--touch-file");
  options.check([&]() -> Problem { return s.http_metrics && s.http_bind.empty() ? Problem("--http-metrics needs --http-bind") : std::nullopt; });
}

}  // namespace

bool is_file_of_its_own(const SyncSettings& settings, const std::string& path) {
  const std::filesystem::path root = std::filesystem::path(settings.root);
  if (path.empty() || (root.empty() && std::filesystem::path(path).is_relative())) return false;
  const auto whole = (root / path).lexically_normal();
  const auto inside = whole.lexically_relative(root.lexically_normal());
  const bool is_ours = !inside.empty() && (*inside.begin() == ".git" || *inside.begin() == ".worktrees");
  const std::string link = settings.link.empty() ? default_link(settings.repo) : settings.link;
  return whole.has_filename() && !is_ours && whole != (root / link).lexically_normal();
}

void add_rules(Settings& options, SyncSettings& settings) {
  check_source(options, settings);
  check_times(options, settings);
  check_hooks(options, settings);
  check_addresses(options, settings);
  check_files(options, settings);
  add_access_rules(options, settings);
}

}  // namespace tidemark::sync
