#include "ingest/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "daemon/error.hpp"
#include "ingest/engine_factory.hpp"
#include "ingest/engine_settings.hpp"

namespace tidemark::ingest {

namespace {

using Problem = std::optional<std::string>;

constexpr std::size_t max_name_bytes = 255;
constexpr Duration min_period = std::chrono::milliseconds(10);

// A setter for "HOST:PORT", where an empty text switches the listener off.
std::function<Problem(std::string_view)> set_optional_address(std::optional<ListenAddress>& target) {
  return [&target](std::string_view text) -> Problem {
    target = ListenAddress::parse(text);
    if (!target && !text.empty()) return fmt::format("'{}' is not an address as HOST:PORT or :PORT", text);
    return std::nullopt;
  };
}

Problem name_problem(std::string_view flag, std::string_view name) {
  if (name.size() > max_name_bytes) return fmt::format("--{} is over {} bytes long", flag, max_name_bytes);
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return fmt::format("--{} holds a control character", flag);
  return std::nullopt;
}

void add_source_settings(Settings& settings, IngestSettings& target) {
  settings.add(
      {.name = "source", .help = "The link that tidemark-sync or git-sync publishes: ROOT/LINK (required)", .group = "Source", .placeholder = "PATH"},
      target.source);
  settings.add({.name = "source-name",
                .help = "The source's name in the index; the last segment of the repository's URL if not given",
                .group = "Source",
                .placeholder = "NAME"},
               target.source_name);
  settings.add({.name = "include",
                .help = "Only these files, by patterns as in .gitignore; all Markdown and data files if not given (repeatable)",
                .group = "Source",
                .placeholder = "PATTERN"},
               target.selection.include);
  settings.add(
      {.name = "exclude",
       .help = "Not these files, besides dot folders, lock files, node_modules and vendor; !default as the first one drops those (repeatable)",
       .group = "Source",
       .placeholder = "PATTERN"},
      target.selection.exclude);
}

void add_index_settings(Settings& settings, IngestSettings& target) {
  settings.add(
      {.name = "engine",
       .help =
           "Where the index lives: sqlite:PATH, or https://HOST:9200 of an Elasticsearch or OpenSearch node, several with commas between (required)",
       .group = "Index",
       .placeholder = "ENGINE"},
      target.engine);
  settings.add({.name = "index",
                .help = "The index's name: of the alias that searches use, or with sqlite:FOLDER of the file FOLDER/NAME.sqlite",
                .group = "Index",
                .placeholder = "NAME"},
               target.index);
  settings.add({.name = "max-removals",
                .help = "The share of the documents, if over 100, that one revision may remove without a confirmation; 100% switches the guard off",
                .group = "Index",
                .placeholder = "PERCENT"},
               fmt::format("{}%", target.reconciler.removals.percent), [&target](std::string_view text) -> Problem {
                 const auto percent = parse_percent(text);
                 if (!percent) return fmt::format("'{}' is not a percentage from 0% to 100%", text);
                 target.reconciler.removals.percent = *percent;
                 return std::nullopt;
               });
  settings.add({.name = "adopt", .help = "Take over an index of another source or origin", .group = "Index"}, target.reconciler.adopt);
}

void add_http_settings(Settings& settings, IngestSettings& target) {
  settings.add(
      {.name = "listen", .help = "Where the control API listens; beyond loopback it needs --token-file", .group = "HTTP", .placeholder = "ADDRESS"},
      "127.0.0.1:9300", [&target](std::string_view text) -> Problem {
        const auto address = ListenAddress::parse(text);
        if (!address) return fmt::format("'{}' is not an address as HOST:PORT or :PORT", text);
        target.listen = *address;
        return std::nullopt;
      });
  settings.add({.name = "search-listen",
                .help = "Where search, documents and status are served to others; off if not given",
                .group = "HTTP",
                .placeholder = "ADDRESS"},
               "", set_optional_address(target.search_listen));
  settings.add({.name = "probe-listen",
                .help = "Where /healthz, /readyz and /metrics are served to others; off if not given",
                .group = "HTTP",
                .placeholder = "ADDRESS"},
               "", set_optional_address(target.probe_listen));
  settings.add({.name = "allowed-host",
                .help = "A host name, with or without a port, by which requests may address the agent besides loopback (repeatable)",
                .group = "HTTP",
                .placeholder = "HOST"},
               target.allowed_hosts);
  settings.add({.name = "token-file", .help = "A file with the bearer token that requests to --listen need", .group = "HTTP", .placeholder = "PATH"},
               target.token_file);
}

void add_loop_settings(Settings& settings, IngestSettings& target) {
  settings.add({.name = "reconcile-period", .help = "How often the index is compared with the link without being asked", .group = "Loop"},
               target.reconciler.reconcile_period);
  settings.add({.name = "one-time", .help = "Reconcile once and exit: 0 if the index is level, else 1", .group = "Loop"}, target.one_time);
}

void add_log_settings(Settings& settings, IngestSettings& target) {
  settings.add({.name = "log-format", .help = "text or json", .group = "Log", .placeholder = "FORMAT"}, "text",
               [&target](std::string_view text) -> Problem {
                 if (text != "text" && text != "json") return fmt::format("'{}' is not one of text, json", text);
                 target.log_format = text == "json" ? LogFormat::json : LogFormat::text;
                 return std::nullopt;
               });
  settings.add({.name = "log-level", .help = "debug, info, warning or error", .group = "Log", .placeholder = "LEVEL"}, "info",
               [&target](std::string_view text) -> Problem {
                 constexpr std::pair<std::string_view, LogLevel> levels[] = {
                     {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}};
                 const auto level = std::ranges::find(levels, text, &std::pair<std::string_view, LogLevel>::first);
                 if (level == std::end(levels)) return fmt::format("'{}' is not one of debug, info, warning, error", text);
                 target.log_level = level->second;
                 return std::nullopt;
               });
}

void add_rules(Settings& settings, IngestSettings& target) {
  settings.check([&target]() -> Problem {
    if (target.source.empty()) return "--source is missing: the link that tidemark-sync or git-sync publishes, for instance /git/current";
    return std::nullopt;
  });
  settings.check([&target]() -> Problem {
    if (target.engine.empty()) return "--engine is missing, for instance sqlite:/var/lib/tidemark/index.sqlite or https://search:9200";
    if (names_server(target.engine)) return std::nullopt;
    try {
      sqlite_file(target.engine, target.index);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return std::nullopt;
  });
  settings.check([&target] { return name_problem("source-name", target.source_name); });
  settings.check([&target]() -> Problem {
    if (target.index.empty() || target.index.find('/') != std::string::npos) return "--index is no name: empty, or with a slash in it";
    return name_problem("index", target.index);
  });
  settings.check([&target]() -> Problem {
    if (target.listen.is_loopback() || !target.token_file.empty() || target.one_time) return std::nullopt;
    return "--listen beyond loopback needs --token-file; for searches and probes there are --search-listen and --probe-listen, which need none";
  });
  settings.check([&target]() -> Problem {
    if (target.reconciler.reconcile_period < min_period) return "--reconcile-period is below " + format_duration(min_period);
    return std::nullopt;
  });
  settings.check([&target]() -> Problem {
    try {
      const Selection selection(target.selection);
    } catch (const std::invalid_argument& error) {
      return std::string("--include or --exclude: ") + error.what();
    }
    return std::nullopt;
  });
}

}  // namespace

std::optional<int> parse_percent(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() || value < 0 || value > 100) return std::nullopt;
  return value;
}

std::optional<IngestSettings> read_settings(int argc, const char* const* argv, const Environment& environment, std::ostream& out) {
  IngestSettings target;
  Settings settings("tidemark-ingest", "Keeps a search index level with the Git repository that tidemark-sync or git-sync publishes.", "TIDEMARK");
  Bytes max_file_size{target.selection.max_file_size};
  add_source_settings(settings, target);
  settings.add({.name = "max-file-size", .help = "Larger files are quarantined instead of indexed", .group = "Source"}, max_file_size);
  add_index_settings(settings, target);
  add_server_settings(settings, target);
  add_http_settings(settings, target);
  add_loop_settings(settings, target);
  add_log_settings(settings, target);
  settings.check([&]() -> Problem {
    target.selection.max_file_size = max_file_size.count;
    return std::nullopt;
  });
  add_rules(settings, target);
  add_server_rules(settings, target);
  if (!settings.parse(argc, argv, environment, out)) return std::nullopt;
  return target;
}

}  // namespace tidemark::ingest
