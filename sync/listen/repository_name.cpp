#include "sync/listen/repository_name.hpp"

#include <algorithm>

#include "daemon/error.hpp"
#include "daemon/uri.hpp"
#include "sync/remote/remote_url.hpp"

namespace tidemark::sync {

namespace {

// What stands behind the host, without a query.
std::string_view path_of(std::string_view url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string_view::npos ? url.find(':') : url.find('/', scheme + 3);
  if (begin == std::string_view::npos) return {};
  url.remove_prefix(begin + 1);
  return url.substr(0, url.find_first_of("?#"));
}

std::string_view trimmed(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  return path;
}

}  // namespace

std::optional<std::string> repository_name(std::string_view url) {
  try {
    const RemoteUrl remote = RemoteUrl::parse(url);
    if (remote.host.empty()) return std::nullopt;
    const auto path = percent_decoded(path_of(remote.url));
    if (!path || trimmed(*path).empty()) return std::nullopt;
    std::string name = remote.host + "/" + std::string(trimmed(*path));
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
  } catch (const ConfigError&) {
    return std::nullopt;
  }
}

}  // namespace tidemark::sync
