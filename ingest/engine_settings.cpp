#include "ingest/engine_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "daemon/text.hpp"
#include "ingest/elasticsearch/names.hpp"
#include "ingest/engine_factory.hpp"

namespace tidemark::ingest {

namespace {

using Problem = std::optional<std::string>;
using elasticsearch::CjkAnalysis;

constexpr auto group = "Search server";

// What says nothing about an embedded index.
constexpr std::array server_flags{"engine-username",         "engine-password-file",   "engine-api-key-file", "engine-token-file", "engine-ca-file",
                                  "engine-client-cert-file", "engine-client-key-file", "engine-compression",  "engine-timeout",    "bulk-bytes",
                                  "bulk-operations",         "bulk-concurrency",       "lease-duration",      "takeover-behind",   "engine-analysis",
                                  "engine-shards",           "engine-replicas"};

constexpr std::array<std::pair<const char*, const char*>, 3> server_secrets{
    {{"engine-password", "TIDEMARK_ENGINE_PASSWORD"}, {"engine-api-key", "TIDEMARK_ENGINE_API_KEY"}, {"engine-token", "TIDEMARK_ENGINE_TOKEN"}}};

template <typename Number>
std::function<Problem(std::string_view)> number_within(Number& target, int least, int greatest) {
  return [&target, least, greatest](std::string_view text) -> Problem {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > greatest) {
      return fmt::format("'{}' is not a whole number from {} to {}", one_line(text, 100), least, greatest);
    }
    target = static_cast<Number>(value);
    return std::nullopt;
  };
}

void add_credentials(Settings& settings, elasticsearch::ConnectionSettings& target) {
  settings.add({.name = "engine-username", .help = "User of the cluster, with a password", .group = group, .placeholder = "NAME"}, target.username);
  settings.add({.name = "engine-password-file",
                .help = "File with the password; read again when the cluster refuses it",
                .group = group,
                .placeholder = "PATH"},
               target.password_file);
  settings.add({.name = "engine-api-key-file",
                .help = "File with an API key, as base64 of id:key; read again likewise",
                .group = group,
                .placeholder = "PATH"},
               target.api_key_file);
  settings.add({.name = "engine-token-file", .help = "File with a bearer token; read again likewise", .group = group, .placeholder = "PATH"},
               target.bearer_token_file);
  settings.add({.name = "engine-password", .help = "Password for --engine-username", .environment_only = true}, target.password);
  settings.add({.name = "engine-api-key", .help = "API key for the cluster", .environment_only = true}, target.api_key);
  settings.add({.name = "engine-token", .help = "Bearer token for the cluster", .environment_only = true}, target.bearer_token);
}

void add_connection(Settings& settings, elasticsearch::ConnectionSettings& target) {
  settings.add({.name = "engine-ca-file",
                .help = "PEM file of the authorities that may sign the nodes' certificates; the system's if not given",
                .group = group,
                .placeholder = "PATH"},
               target.ca_file);
  settings.add({.name = "engine-client-cert-file", .help = "PEM file of the agent's own certificate", .group = group, .placeholder = "PATH"},
               target.client_certificate_file);
  settings.add(
      {.name = "engine-client-key-file", .help = "PEM file of its key, if the certificate's does not hold it", .group = group, .placeholder = "PATH"},
      target.client_key_file);
  settings.add({.name = "engine-compression", .help = "none or gzip, of requests and answers", .group = group, .placeholder = "KIND"}, "none",
               [&target](std::string_view text) -> Problem {
                 if (text != "none" && text != "gzip") return fmt::format("'{}' is not one of none, gzip", one_line(text, 100));
                 target.compress = text == "gzip";
                 return std::nullopt;
               });
  settings.add({.name = "engine-timeout", .help = "Limit of one request", .group = group}, target.timeout);
}

void add_bulks(Settings& settings, IngestSettings& target) {
  settings.add(
      {.name = "bulk-bytes", .help = "Limit of one bulk request before packing; halved by itself when the cluster takes less", .group = group},
      target.bulk_bytes);
  settings.add({.name = "bulk-operations", .help = "Limit of one bulk request", .group = group, .placeholder = "N"},
               std::to_string(target.server.bulk.operations), number_within(target.server.bulk.operations, 1, 100'000));
  settings.add({.name = "bulk-concurrency",
                .help = "How many bulk requests may be under way: auto follows their round trips",
                .group = group,
                .placeholder = "auto|N"},
               "auto", [&target](std::string_view text) -> Problem {
                 target.server.concurrency.reset();
                 if (text == "auto") return std::nullopt;
                 if (auto problem = number_within(target.server.concurrency, 1, 32)(text)) return "auto or a number: " + *problem;
                 return std::nullopt;
               });
}

void add_index(Settings& settings, IngestSettings& target) {
  settings.add({.name = "lease-duration", .help = "How long an agent that falls silent keeps others from writing", .group = group},
               target.server.lease_duration);
  settings.add(
      {.name = "takeover-behind", .help = "How long an agent whose revision is older than the index's leaves a vacant lease alone", .group = group},
      target.reconciler.takeover_behind);
  settings.add({.name = "engine-analysis",
                .help = "How Japanese, Chinese and Korean text is analyzed: kuromoji, cjk or standard; auto takes the best that the cluster has",
                .group = group,
                .placeholder = "KIND"},
               "auto", [&target](std::string_view text) -> Problem {
                 target.server.analysis.reset();
                 if (text == "auto") return std::nullopt;
                 for (const auto analysis : {CjkAnalysis::kuromoji, CjkAnalysis::cjk, CjkAnalysis::standard}) {
                   if (text == name_of(analysis)) target.server.analysis = analysis;
                 }
                 if (!target.server.analysis) return fmt::format("'{}' is not one of auto, kuromoji, cjk, standard", one_line(text, 100));
                 return std::nullopt;
               });
  settings.add({.name = "engine-shards", .help = "Primary shards of an index; another number builds it anew", .group = group, .placeholder = "N"},
               std::to_string(target.server.shards), number_within(target.server.shards, 1, 1024));
  settings.add(
      {.name = "engine-replicas", .help = "Copies of each shard beside the primary, once the index is filled", .group = group, .placeholder = "N"},
      std::to_string(target.server.replicas), number_within(target.server.replicas, 0, 100));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> embedded_problems(const Settings& settings, const IngestSettings& target) {
  std::vector<std::string> problems;
  if (!target.engine.starts_with("sqlite:")) return problems;
  for (const auto* flag : server_flags) {
    if (settings.was_set(flag)) problems.push_back(fmt::format("--{} is for a search server, and --engine names none", flag));
  }
  for (const auto& [name, variable] : server_secrets) {
    if (settings.was_set(name)) problems.push_back(fmt::format("{} is for a search server, and --engine names none", variable));
  }
  return problems;
}

std::vector<std::string> server_problems(const IngestSettings& target) {
  auto problems = problems_of(target.server.connection);
  if (const auto problem = elasticsearch::alias_problem(target.index)) {
    problems.push_back(fmt::format("--index '{}' can't name an index of a search server: {}", one_line(target.index, 100), *problem));
  }
  constexpr std::int64_t least_bytes = 64 * 1024;
  constexpr std::int64_t most_bytes = 100 * 1024 * 1024;
  if (target.bulk_bytes.count < least_bytes || target.bulk_bytes.count > most_bytes)
    problems.emplace_back("--bulk-bytes is not from 64KiB to 100MiB");
  if (target.server.lease_duration < std::chrono::seconds(1)) problems.emplace_back("--lease-duration is below 1s");
  return problems;
}

// Batches are measured as they lie in memory; as JSON they are longer, and one that is just over the limit would be two requests.
std::int64_t batch_bytes(std::int64_t bulk_bytes) { return bulk_bytes / 4 * 3; }

}  // namespace

void add_server_settings(Settings& settings, IngestSettings& target) {
  add_credentials(settings, target.server.connection);
  add_connection(settings, target.server.connection);
  add_bulks(settings, target);
  add_index(settings, target);
}

void add_server_rules(Settings& settings, IngestSettings& target) {
  settings.check_all([&] { return embedded_problems(settings, target); });
  settings.check_all([&target]() -> std::vector<std::string> {
    if (!names_server(target.engine)) return {};
    target.server.connection.urls = split(target.engine);
    auto& connection = target.server.connection;
    connection.connect_timeout = std::min(connection.connect_timeout, connection.timeout);
    target.server.index = target.index;
    target.server.bulk.bytes = target.bulk_bytes.count;
    target.reconciler.batch_operations = target.server.bulk.operations;
    target.reconciler.batch_bytes = batch_bytes(target.bulk_bytes.count);
    return server_problems(target);
  });
}

}  // namespace tidemark::ingest
