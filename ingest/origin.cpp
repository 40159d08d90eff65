// What makes two spellings of a remote's URL one origin, and what of a URL may be shown.
#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "ingest/source.hpp"

namespace tidemark::ingest {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view without_suffix(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with("/.git")) path.remove_suffix(5);
  if (path.ends_with(".git")) path.remove_suffix(4);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// "user:password@host:443" -> "host": the ports that a URL leaves out anyway do not count.
std::string host_key(std::string_view authority) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  for (const std::string_view port : {":443", ":80", ":22", ":9418"}) {
    if (authority.ends_with(port)) {
      authority.remove_suffix(port.size());
      break;
    }
  }
  return lower(authority);
}

// git's short form of ssh, "[user@]host:path": a colon before the first slash.
bool is_scp_like(std::string_view url) {
  const auto colon = url.find(':');
  return colon != std::string_view::npos && colon > 0 && url.find('/') > colon;
}

}  // namespace

std::string origin_key(std::string_view url) {
  if (const auto scheme_end = url.find("://"); scheme_end != std::string_view::npos) {
    const auto scheme = lower(url.substr(0, scheme_end));
    auto rest = url.substr(scheme_end + 3);
    if (scheme == "file") return std::string(without_suffix(rest.substr(std::min(rest.find('/'), rest.size()))));
    const auto slash = std::min(rest.find('/'), rest.size());
    return host_key(rest.substr(0, slash)) + std::string(without_suffix(rest.substr(slash)));
  }
  if (is_scp_like(url)) {
    const auto colon = url.find(':');
    auto path = url.substr(colon + 1);
    if (path.starts_with('/')) path.remove_prefix(1);
    return host_key(url.substr(0, colon)) + "/" + std::string(without_suffix(path));
  }
  return std::string(without_suffix(url));
}

std::string without_credentials(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::string(url);
  const auto authority = scheme_end + 3;
  const auto authority_end = std::min(url.find('/', authority), url.size());
  const auto at = url.substr(authority, authority_end - authority).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, authority)) + std::string(url.substr(authority + at + 1));
}

std::string name_from_origin(std::string_view url) {
  auto name = origin_key(url);
  if (const auto slash = name.find_last_of('/'); slash != std::string::npos) name.erase(0, slash + 1);
  if (name.ends_with(".bundle")) name.erase(name.size() - std::string_view(".bundle").size());
  return name;
}

}  // namespace tidemark::ingest
