// What is wrong with the settings of a connection.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/log.hpp"
#include "daemon/text.hpp"
#include "ingest/elasticsearch/connection.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

bool is_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// http(s)://HOST[:PORT][/PREFIX], as much of RFC 3986 as a node's address needs.
std::optional<std::string> problem_of(std::string_view url) {
  const auto shown = one_line(redact_credentials(url), 200);
  const auto scheme = url.find("://");
  if (!url.starts_with("http://") && !url.starts_with("https://")) return fmt::format("--engine '{}' is no URL as https://HOST:9200", shown);
  const auto rest = url.substr(scheme + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    return fmt::format(
        "--engine '{}' holds credentials, which logs and process lists would show: use --engine-username with --engine-password-file, "
        "--engine-api-key-file or --engine-token-file",
        shown);
  }
  if (rest.find_first_of("?#") != std::string_view::npos)
    return fmt::format("--engine '{}' has a query or a fragment: only a path may follow the host", shown);
  if (std::ranges::any_of(url, [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '\\' || c == '"'; })) {
    return fmt::format("--engine '{}' holds a character that no URL may", shown);
  }
  const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return fmt::format("--engine '{}' lacks the ] of its address", shown);
  const auto colon = authority.find(':', bracket);
  const auto host = authority.substr(0, colon);
  if (host.empty() || host == "[]") return fmt::format("--engine '{}' names no host", shown);
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1)))
    return fmt::format("--engine '{}' has no port from 1 to 65535", shown);
  return std::nullopt;
}

void credential_problems(const ConnectionSettings& s, std::vector<std::string>& problems) {
  const auto both = [&](const std::string& value, const std::string& file, const char* variable, const char* flag) {
    if (!value.empty() && !file.empty()) problems.push_back(fmt::format("{} and {} exclude each other", variable, flag));
    return !value.empty() || !file.empty();
  };
  const bool password = both(s.password, s.password_file, "TIDEMARK_ENGINE_PASSWORD", "--engine-password-file");
  const bool api_key = both(s.api_key, s.api_key_file, "TIDEMARK_ENGINE_API_KEY", "--engine-api-key-file");
  const bool token = both(s.bearer_token, s.bearer_token_file, "TIDEMARK_ENGINE_TOKEN", "--engine-token-file");
  if (s.username.empty() && password) problems.emplace_back("the password for the engine needs --engine-username");
  if (!s.username.empty() && !password) problems.emplace_back("--engine-username needs --engine-password-file or TIDEMARK_ENGINE_PASSWORD");
  if (s.username.find(':') != std::string::npos) problems.emplace_back("--engine-username holds a colon, which basic authentication cannot carry");
  if ((!s.username.empty() || password) + api_key + token > 1) {
    problems.emplace_back("more than one way to log in to the engine: choose one of user and password, API key, and token");
  }
  const auto breaks_header = [](const std::string& secret) { return secret.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos; };
  if (breaks_header(s.username) || breaks_header(s.api_key) || breaks_header(s.bearer_token)) {
    problems.emplace_back("what logs in to the engine holds a line break");
  }
}

void tls_problems(const ConnectionSettings& s, std::vector<std::string>& problems) {
  if (!s.client_key_file.empty() && s.client_certificate_file.empty())
    problems.emplace_back("--engine-client-key-file needs --engine-client-cert-file");
  const bool has_https = std::ranges::any_of(s.urls, [](const auto& url) { return url.starts_with("https://"); });
  if (has_https || s.urls.empty()) return;
  if (!s.ca_file.empty()) problems.emplace_back("--engine-ca-file says nothing about http://: write https:// in --engine");
  if (!s.client_certificate_file.empty()) problems.emplace_back("--engine-client-cert-file is of no use with http://: write https:// in --engine");
}

}  // namespace

std::vector<std::string> problems_of(const ConnectionSettings& settings) {
  std::vector<std::string> problems;
  if (settings.urls.empty()) problems.emplace_back("--engine names no server, for instance https://search:9200");
  for (const auto& url : settings.urls) {
    if (auto problem = problem_of(url)) problems.push_back(std::move(*problem));
  }
  credential_problems(settings, problems);
  tls_problems(settings, problems);
  if (settings.timeout <= Duration(0)) problems.emplace_back("--engine-timeout must be more than 0");
  return problems;
}

}  // namespace tidemark::ingest::elasticsearch
