#include "sync/remote/remote_url.hpp"

#include <charconv>

#include "daemon/error.hpp"
#include "daemon/log.hpp"

namespace tidemark::sync {

namespace {

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned int byte = 0;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(&text[i + 1], &text[i + 3], byte, 16).ptr == &text[i + 3]) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

// What is wrong with a URL, in words.
struct Problem {
  std::string why;
};

[[noreturn]] void refuse(const std::string& why) { throw Problem{why}; }

// A text that should be one URL, without what may be a user and password, whatever characters these have.
std::string told(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t at = text.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) return redact_credentials(text);
  return std::string(text.substr(0, scheme + 3)) + "REDACTED" + std::string(text.substr(at));
}

// "user:secret" of the authority, which then holds host and port alone.
void take_user(std::string_view& authority, RemoteUrl& remote) {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return;
  const std::string_view info = authority.substr(0, at);
  if (info.find(' ') != std::string_view::npos) refuse("its user or password has a space; write %20");
  authority.remove_prefix(at + 1);
  const std::size_t colon = info.find(':');
  remote.user = percent_decoded(info.substr(0, colon));
  if (colon != std::string_view::npos) remote.password = percent_decoded(info.substr(colon + 1));
}

void take_host(std::string_view authority, int default_port, RemoteUrl& remote) {
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) refuse("the address lacks its ']'");
    remote.host = authority.substr(1, bracket - 1);
    host_end = authority.find(':', bracket);
  } else {
    remote.host = authority.substr(0, host_end);
  }
  if (remote.host.empty()) refuse("it names no host");
  remote.port = default_port;
  if (host_end == std::string_view::npos || host_end + 1 == authority.size()) return;
  const std::string_view digits = authority.substr(host_end + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), remote.port);
  if (error != std::errc() || end != digits.data() + digits.size() || remote.port < 1 || remote.port > 65535) refuse("its port is no number");
}

// The path is put into a command line for the server's shell, between quotes (libgit2 to 1.9 does not escape it).
void check_ssh_path(std::string_view text) {
  if (text.find('\'') != std::string_view::npos || text.find("%27") != std::string_view::npos) refuse("over ssh there must be no ' in it");
}

RemoteUrl with_scheme(std::string_view text, std::size_t scheme_size) {
  const std::string_view scheme = text.substr(0, scheme_size);
  std::string_view rest = text.substr(scheme_size + 3);
  RemoteUrl remote;
  if (scheme == "file") {
    if (!rest.starts_with('/')) refuse("a file URL has three slashes and an absolute path");
    remote.path = percent_decoded(rest);
    remote.url = text;
    return remote;
  }
  int port = 0;
  if (scheme == "https" || scheme == "http") {
    remote.transport = RemoteUrl::Transport::http;
    port = scheme == "https" ? 443 : 80;
  } else if (scheme == "ssh" || scheme == "git+ssh" || scheme == "ssh+git") {
    remote.transport = RemoteUrl::Transport::ssh;
    port = 22;
    check_ssh_path(text);
  } else if (scheme == "git") {
    remote.transport = RemoteUrl::Transport::git;
    port = 9418;
  } else {
    refuse("the scheme is not known");
  }
  const std::size_t path = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, path);
  const std::string tail(path == std::string_view::npos ? std::string_view{} : rest.substr(path));
  take_user(authority, remote);
  take_host(authority, port, remote);
  remote.url = std::string(scheme) + "://";
  if (remote.transport == RemoteUrl::Transport::ssh && remote.user) remote.url += *remote.user + "@";
  remote.url += std::string(authority) + tail;
  return remote;
}

RemoteUrl parsed(std::string_view text) {
  if (text.empty()) refuse("it is empty");
  for (const char c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') refuse("it has a control character");
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos && text.find('/') == scheme + 1) return with_scheme(text, scheme);
  RemoteUrl remote;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon > 0 && colon < text.find('/')) {
    if (text.substr(colon).starts_with("::") && text[colon - 1] != '[') refuse("it names a program to fetch with, and none is ever run");
    remote.transport = RemoteUrl::Transport::ssh;
    check_ssh_path(text);
    std::string_view authority = text.substr(0, colon);
    take_user(authority, remote);
    remote.host = authority;
    remote.port = 22;
    if (remote.host.empty()) refuse("it names no host");
    remote.url = (remote.user ? *remote.user + "@" : "") + remote.host + std::string(text.substr(colon));
    return remote;
  }
  remote.path = text;
  remote.url = text;
  return remote;
}

}  // namespace

RemoteUrl RemoteUrl::parse(std::string_view text, std::string_view named) {
  try {
    return parsed(text);
  } catch (const Problem& problem) {
    throw ConfigError(std::string(named) + " " + told(text) + ": " + problem.why +
                      "; use https://, http://, ssh://, git://, file://, USER@HOST:PATH or a path");
  }
}

}  // namespace tidemark::sync
