#include "sync/settings/settings.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "daemon/error.hpp"
#include "sync/settings/git_config.hpp"
#include "sync/settings/manual.hpp"
#include "sync/settings/old_spellings.hpp"
#include "sync/settings/publishing_settings.hpp"
#include "sync/settings/refusals.hpp"
#include "sync/settings/settings_access.hpp"
#include "sync/settings/settings_rules.hpp"
#include "sync/settings/signal_name.hpp"

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

Problem read_number(std::optional<std::int64_t>& target, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return "not a whole number";
  target = value;
  return {};
}

void declare_source(Settings& options, SyncSettings& s) {
  options.add({"repo", "repository to follow: a URL (https, ssh, git, file), user@host:path, or a path", "Source", "REPO"}, s.repo);
  options.add({"ref", "branch, tag or full commit hash to follow", "Source", "REF"}, s.ref);
  options.add({"depth", "how many commits of history to fetch; 0 for all", "Source", "N"}, s.depth);
  options.add(
      {"submodules", "which submodules to fetch: recursive (those within others, too), shallow (one level) or off", "Source", "MODE"}, "recursive",
      one_of<SubmoduleNesting>(s.submodules,
                               {{"recursive", SubmoduleNesting::recursive}, {"shallow", SubmoduleNesting::shallow}, {"off", SubmoduleNesting::off}}));
}

void declare_loop(Settings& options, SyncSettings& s) {
  options.add({"period", "time between two looks at the remote, at least 10ms (default with --listen: 1m)", "Loop"}, s.period);
  options.add({"init-period", "the same until the first success (default: --period)", "Loop"}, s.init_period);
  options.add({"sync-timeout", "limit of one pass: fetch and checkout", "Loop"}, s.sync_timeout);
  options.add({"one-time", "sync once, then exit", "Loop"}, s.one_time);
  options.add({"max-failures", "failures in a row before the first success after which the process gives up; negative for never", "Loop", "N"},
              s.max_failures);
  options.add({"init-max-failures", "the same as --max-failures, and goes before it (default: --max-failures)", "Loop", "N"}, "",
              [&s](std::string_view text) { return read_number(s.init_max_failures, text); });
  options.add({"sync-on-signal", "a signal that makes it look at the remote at once, by name or number; SIGHUP does so anyway", "Loop", "SIGNAL"}, "",
              [&s](std::string_view text) -> Problem {
                s.sync_on_signal = parse_signal(text);
                if (!s.sync_on_signal) return "not the name or number of a signal";
                return is_free_signal(*s.sync_on_signal) ? std::nullopt : Problem("this signal has another meaning; SIGHUP or SIGUSR1 would do");
              });
}

// Three digits, 0 or git-sync's older -1 for every answer, 2xx.
Problem read_success_status(std::optional<int>& target, std::string_view text) {
  if (text == "2xx") {
    target.reset();
    return {};
  }
  if (text == "0" || text == "-1") {
    target = 0;
    return {};
  }
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (error != std::errc() || end != text.data() + text.size() || status < 100 || status > 599)
    return "not 2xx, an HTTP status, or 0 for every answer";
  target = status;
  return {};
}

void declare_hooks(Settings& options, SyncSettings& s) {
  const char* webhook = "Webhook";
  options.add({"webhook-url", "where to call after each publication", webhook, "URL"}, s.webhook_url);
  options.add({"webhook-method", "HTTP method of the call", webhook, "METHOD"}, s.webhook_method);
  options.add({"webhook-success-status", "the answer that is a success: 2xx, one status, or 0 for every answer", webhook, "STATUS"}, "2xx",
              [&s](std::string_view text) { return read_success_status(s.webhook_success_status, text); });
  options.add({"webhook-timeout", "limit of one call, at least 1s", webhook}, s.webhook_timeout);
  options.add({"webhook-backoff", "wait after a first failed call, at least 1s; doubles with each further failure, up to 1m", webhook},
              s.webhook_backoff);
  const char* exec = "Programs";
  options.add({"exechook-command", "program to run after each publication, a path without arguments", exec, "PATH"}, s.exechook_command);
  options.add({"exechook-timeout", "limit of one run, at least 1s", exec}, s.exechook_timeout);
  options.add({"exechook-backoff", "wait after a first failed run, at least 1s; doubles up to 1m", exec}, s.exechook_backoff);
  options.add(
      {"pre-publish-exechook-command", "program to run before a revision becomes live; while it fails, the revision stays back", exec, "PATH"},
      s.pre_publish_command);
  options.add({"pre-publish-exechook-timeout", "limit of one run, at least 1s", exec}, s.pre_publish_timeout);
  options.add({"pre-publish-exechook-backoff", "wait after a first failed run, at least 1s; doubles up to 1m", exec}, s.pre_publish_backoff);
}

void declare_http(Settings& options, SyncSettings& s) {
  options.add({"http-bind", "address for health, metrics and POST /sync, as :8080 or 127.0.0.1:8080 (default: none)", "HTTP", "HOST:PORT"},
              s.http_bind);
  options.add({"http-metrics", "serve GET /metrics there", "HTTP"}, s.http_metrics);
  options.add({"stale-after", "not ready any more when the last success is older; 0s for never", "HTTP"}, s.stale_after);
}

void declare_log(Settings& options, SyncSettings& s) {
  options.add({"log-format", "text or json, one line per event on standard error", "Log", "text|json"}, "text",
              one_of<LogFormat>(s.log_format, {{"text", LogFormat::text}, {"json", LogFormat::json}}));
  options.add({"log-level", "debug, info, warning or error", "Log", "LEVEL"}, "info",
              one_of<LogLevel>(s.log_level,
                               {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}}));
}

// Go's numbers for --verbose and --log-level's words: git-sync logs its commands from 5 on, so more than 0 is debug here. --log-level wins.
void declare_verbosity(Settings& options, SyncSettings& s, std::int64_t& verbosity) {
  options.add({"verbose", "as git-sync's -v: more than 0 is --log-level=debug", "Log", "N"}, verbosity);
  options.check([&]() -> Problem {
    if (verbosity > 0 && !options.was_set("log-level")) s.log_level = LogLevel::debug;
    return {};
  });
}

void declare_git(Settings& options, SyncSettings& s) {
  options.add(
      {"git-gc", "how soon small packs become one: auto, always, aggressive or off", "Git", "MODE"}, "always",
      one_of<Packing>(s.packing,
                      {{"auto", Packing::automatic}, {"always", Packing::always}, {"aggressive", Packing::aggressive}, {"off", Packing::off}}));
}

// Git's own settings are read for what they ask for, and refused where there is nothing to obey them.
void declare_git_config(Settings& options, std::string& all, std::vector<std::string>& single, std::vector<std::string>& notes) {
  options.add({"git-config", "git settings, as section.name:value,...; what can't be obeyed without git is refused with the reason", "Git", "TEXT"},
              all);
  options.add({"git-config-add", "one more git setting; may be repeated", "Git", "TEXT"}, single);
  options.check_all([&]() -> std::vector<std::string> {
    std::vector<std::string> problems;
    const auto judge = [&](const std::string& flag, const std::string& text) {
      try {
        for (const auto& entry : parse_git_config(text)) {
          const auto verdict = judge_git_config(entry);
          (verdict.refused ? problems : notes).push_back(flag + ": " + entry.key + ": " + (verdict.refused ? "" : "not needed: ") + verdict.reason);
        }
      } catch (const std::invalid_argument& error) {
        problems.push_back(flag + ": " + error.what());
      }
    };
    judge("--git-config", all);
    for (const auto& text : single) judge("--git-config-add", text);
    return problems;
  });
}

}  // namespace

std::optional<SyncSettings> read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out) {
  SyncSettings settings;
  if (!read_settings(argc, argv, environment, out, settings)) return std::nullopt;
  return settings;
}

bool read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out, SyncSettings& settings) {
  std::int64_t verbosity = 0;
  std::string git_config;
  std::vector<std::string> more_git_config;
  Settings options("tidemark-sync", "Follows a Git repository and publishes each revision under a link.", "GITSYNC");
  declare_source(options, settings);
  declare_publishing(options, settings);
  declare_loop(options, settings);
  declare_hooks(options, settings);
  declare_http(options, settings);
  declare_access(options, settings);
  declare_git(options, settings);
  declare_git_config(options, git_config, more_git_config, settings.notes);
  declare_log(options, settings);
  declare_verbosity(options, settings, verbosity);
  add_rules(options, settings);
  auto spelling = with_new_spellings({argv, argv + argc}, environment);
  if (std::find(spelling.arguments.begin(), spelling.arguments.end(), "--man") != spelling.arguments.end()) {
    out << manual(options.help());
    return false;
  }
  take_out_refusals(spelling);
  std::vector<const char*> pointers;
  for (const auto& argument : spelling.arguments) pointers.push_back(argument.c_str());
  try {
    if (!options.parse(static_cast<int>(pointers.size()), pointers.data(), spelling.environment, out)) return false;
  } catch (const ConfigError& error) {
    spelling.problems.insert(spelling.problems.end(), error.problems().begin(), error.problems().end());
  }
  if (!spelling.problems.empty()) throw ConfigError(std::move(spelling.problems));
  settings.notes.insert(settings.notes.begin(), spelling.notes.begin(), spelling.notes.end());
  return true;
}

std::string default_link(std::string_view repo) {
  while (repo.ends_with('/')) repo.remove_suffix(1);
  const auto slash = repo.rfind('/');
  return std::string(slash == std::string_view::npos ? repo : repo.substr(slash + 1));
}

}  // namespace tidemark::sync
