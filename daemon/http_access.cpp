#include "daemon/http_access.hpp"

#include <algorithm>
#include <cctype>

#include "daemon/uri.hpp"

namespace tidemark {

namespace {

struct Authority {
  std::string host;  // lower case, without a final dot; IPv6 in brackets
  std::string port;  // "" = not said
  bool operator==(const Authority&) const = default;
};

Authority split_authority(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  Authority result;
  const auto bracket = text.rfind(']');
  const auto colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  result.host = text.substr(0, colon);
  if (colon != std::string::npos) result.port = text.substr(colon + 1);
  if (result.host.ends_with('.')) result.host.pop_back();
  return result;
}

std::string bracketed(const std::string& host) { return host.find(':') != std::string::npos && !host.starts_with('[') ? "[" + host + "]" : host; }

// An allowed host without a port matches every port.
bool matches(const Authority& asked, const std::string& allowed) {
  const Authority known = split_authority(allowed);
  return asked.host == known.host && (known.port.empty() || asked.port == known.port);
}

bool is_allowed_host(const Authority& asked, const HttpAccess& access) {
  return std::any_of(access.allowed_hosts.begin(), access.allowed_hosts.end(), [&](const std::string& allowed) { return matches(asked, allowed); });
}

bool names_this_server(const Authority& asked, const HttpAccess& access, const ListenAddress& listening, const std::string& local_host) {
  if (asked.host.empty()) return false;
  std::string bare = asked.host;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  if (ListenAddress{bare, 0}.is_loopback() || asked.host == local_host) return true;
  if (!listening.host.empty() && matches(asked, bracketed(listening.host))) return true;
  return is_allowed_host(asked, access);
}

// A page's own origin, or that of an allowed host.
bool may_call(const std::string& origin, const Authority& host, const HttpAccess& access) {
  for (const std::string scheme : {"http://", "https://"}) {
    if (!origin.starts_with(scheme)) continue;
    const Authority caller = split_authority(origin.substr(scheme.size()));
    return !caller.host.empty() && (caller == host || is_allowed_host(caller, access));
  }
  return false;
}

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  unsigned char difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char other = expected.empty() ? '\0' : expected[i % expected.size()];
    difference = static_cast<unsigned char>(difference | (static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(other)));
  }
  return difference == 0;
}

// The HTTP library decodes %XX in header values before they get here, so the token is compared in its decoded form.
std::string as_received(const std::string& token) { return percent_decoded(token).value_or(token); }

bool carries_token(const std::optional<std::string>& authorization, const std::optional<std::string>& token) {
  if (!authorization || !token || token->empty()) return false;
  constexpr std::string_view scheme = "bearer ";
  if (authorization->size() <= scheme.size()) return false;
  const bool is_bearer = std::equal(scheme.begin(), scheme.end(), authorization->begin(),
                                    [](char wanted, unsigned char given) { return wanted == static_cast<char>(std::tolower(given)); });
  const std::string_view given = std::string_view(*authorization).substr(scheme.size());
  return is_bearer && equal_in_constant_time(given, as_received(*token));
}

}  // namespace

std::optional<HttpResponse> refuse_access(const HttpAccess& access, const ListenAddress& listening, const AccessQuestion& question) {
  if (access.check_host) {
    const Authority host = split_authority(question.host.value_or(""));
    if (!names_this_server(host, access, listening, question.local_host)) {
      return problem(403, "foreign-host", "Forbidden", "The Host header names neither this server nor an allowed host (--allowed-host).");
    }
    if (question.origin && !may_call(*question.origin, host, access)) {
      return problem(403, "foreign-origin", "Forbidden", "The request comes from a web page of another origin.");
    }
  }
  if (access.bearer_token && !carries_token(question.authorization, access.bearer_token())) {
    auto refusal = problem(401, "unauthorized", "Unauthorized", "A valid bearer token is needed.");
    refusal.headers["WWW-Authenticate"] = "Bearer";
    return refusal;
  }
  return std::nullopt;
}

}  // namespace tidemark
