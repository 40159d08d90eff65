#include "sync/settings/settings_access.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/http_server.hpp"
#include "daemon/http_url.hpp"
#include "daemon/log.hpp"
#include "sync/listen/repository_name.hpp"

namespace tidemark::sync {

namespace {

using Problem = std::optional<std::string>;

// A flag of git-sync that stands for one file; here it may name another.
Problem set_cookie_file(std::string& target, std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"true", "1", "t", "T", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> no{"false", "0", "f", "F", "FALSE", "False"};
  if (std::ranges::find(yes, text) != yes.end())
    target = "/etc/git-secret/cookie_file";
  else if (std::ranges::find(no, text) != no.end())
    target.clear();
  else if (text.find('/') != std::string_view::npos)
    target = text;
  else
    return "neither true, false nor a path";
  return {};
}

void declare_http_credentials(Settings& options, SyncSettings& s) {
  const std::string group = "Credentials";
  options.add_repeated(
      {"credential", "user and password for an http(s) URL: a JSON object of url, username and password or password-file, or a list of them", group,
       "JSON"},
      [&s](std::string_view text) { return add_credentials(text, s.credentials); });
  options.add({"cookie-file", "send the cookies of /etc/git-secret/cookie_file, or of =PATH", group, "true|false|PATH"}, "false",
              [&s](std::string_view text) { return set_cookie_file(s.cookie_file, text); });
  options.add({"askpass-url", "where to GET user and password, as lines of username= and password=, when the server asks for them", group, "URL"},
              s.askpass_url);
  options.add({"ca-file",
               "PEM file of the authorities to trust for https (remote, webhook, askpass) instead of the system's",
               group,
               "PATH",
               {"GIT_SSL_CAINFO", "SSL_CERT_FILE"}},
              s.ca_file);
  options.add({"client-cert-file", "PEM file of our own certificate for https", group, "PATH", {"GIT_SSL_CERT"}}, s.client_cert_file);
  options.add({"client-key-file", "PEM file of its key, if the certificate's does not hold it", group, "PATH", {"GIT_SSL_KEY"}}, s.client_key_file);
}

void declare_github_app(Settings& options, SyncSettings& s) {
  const char* group = "Credentials";
  GithubAppSetting& app = s.github_app;
  options.add({"github-base-url", "where GitHub's API is; https://HOST/api/v3 for an Enterprise Server", group, "URL"}, app.base_url);
  options.add({"github-app-application-id", "a GitHub App that may read the repository, by its id", group, "N"}, app.application_id);
  options.add({"github-app-client-id", "the same by its client id", group, "ID"}, app.client_id);
  options.add({"github-app-installation-id", "the installation of the App that the repository belongs to", group, "N"}, app.installation_id);
  options.add({"github-app-private-key-file", "PEM file of the App's private key, read again when it has changed", group, "PATH"},
              app.private_key_file);
  Settings::Option key{"github-app-private-key", "the App's private key itself"};
  key.environment_only = true;
  options.add(std::move(key), app.private_key);
}

void declare_credentials(Settings& options, SyncSettings& s) {
  options.add({"username", "user for http(s)", "Credentials", "NAME"}, s.username);
  options.add({"password-file", "file with the password or token for --username, read at every sync", "Credentials", "PATH"}, s.password_file);
  Settings::Option password{"password", "password or token for --username"};
  password.environment_only = true;
  options.add(std::move(password), s.password);
  declare_http_credentials(options, s);
  declare_github_app(options, s);
  options.add({"ssh-key-file", "private key for ssh; may be repeated", "Credentials", "PATH"}, s.ssh_key_files);
  options.add({"ssh-known-hosts", "whether ssh host keys must be in --ssh-known-hosts-file", "Credentials"}, s.ssh_known_hosts);
  options.add({"ssh-known-hosts-file", "known_hosts file for ssh", "Credentials", "PATH"}, s.ssh_known_hosts_file);
}

void declare_listening(Settings& options, SyncSettings& s) {
  const char* group = "Being told";
  options.add({"listen", "address for the push webhooks of GitHub, GitLab, Gitea, Forgejo and Bitbucket (default: none)", group, "HOST:PORT"},
              s.listen);
  options.add({"listen-secret-file", "file with the webhook's secret; several lines are several secrets, each of which is good", group, "PATH"},
              s.listen_secret_file);
  options.add({"listen-repo", "another URL by which webhooks name the repository of --repo; may be repeated", group, "URL"}, s.listen_repos);
}

bool has_credentials(std::string_view repo) {
  const auto scheme = repo.find("://");
  if (scheme == std::string_view::npos || repo.starts_with("ssh")) return false;
  const auto host = repo.substr(scheme + 3, repo.find('/', scheme + 3) - scheme - 3);
  return host.find('@') != std::string_view::npos;
}

void check_credentials(Settings& options, SyncSettings& s) {
  options.check([&]() -> Problem {
    if (s.username.empty() && !s.password.empty()) return "GITSYNC_PASSWORD (or --password) needs --username";
    if (s.username.empty() && !s.password_file.empty()) return "--password-file needs --username";
    if (s.username.empty()) return {};
    if (s.password.empty() && s.password_file.empty()) return "--username needs GITSYNC_PASSWORD or --password-file";
    if (!s.password.empty() && !s.password_file.empty()) return "GITSYNC_PASSWORD and --password-file exclude each other";
    if (has_credentials(s.repo)) return "--username and a user in --repo exclude each other";
    return {};
  });
}

// A token may read all that the App may: it is not sent where others can see it.
Problem problem_of_base_url(const std::string& text) {
  const auto url = HttpUrl::parse(text);
  if (!url) return "--github-base-url must be a URL of https, without a user in it";
  return url->scheme == "https" || url->is_loopback() ? std::nullopt : Problem("--github-base-url must begin with https://");
}

void check_github_app(Settings& options, SyncSettings& s) {
  options.check_all([&]() -> std::vector<std::string> {
    const GithubAppSetting& app = s.github_app;
    const bool has_key = !app.private_key.empty() || !app.private_key_file.empty();
    if (!app.is_set()) {
      if (has_key || app.installation_id != 0) return {"a GitHub App needs --github-app-application-id or --github-app-client-id"};
      return {};
    }
    std::vector<std::string> problems;
    const auto check = [&](bool good, const char* problem) {
      if (!good) problems.emplace_back(problem);
    };
    check(app.application_id == 0 || app.client_id.empty(), "--github-app-application-id and --github-app-client-id exclude each other");
    check(app.application_id >= 0, "--github-app-application-id must be a number above 0");
    check(app.installation_id > 0, "a GitHub App needs --github-app-installation-id, a number above 0");
    check(has_key, "a GitHub App needs --github-app-private-key-file or GITSYNC_GITHUB_APP_PRIVATE_KEY");
    check(app.private_key.empty() || app.private_key_file.empty(),
          "--github-app-private-key-file and GITSYNC_GITHUB_APP_PRIVATE_KEY exclude each other");
    check(s.username.empty() && s.askpass_url.empty() && !has_credentials(s.repo),
          "a GitHub App excludes --username, --askpass-url and a user in --repo");
    check(s.repo.starts_with("https://") || s.repo.starts_with("http://"), "a GitHub App needs a --repo of https://: its token is a password");
    if (auto problem = problem_of_base_url(app.base_url)) problems.push_back(std::move(*problem));
    return problems;
  });
}

void check_listening(Settings& options, SyncSettings& s) {
  options.check([&]() -> Problem {
    if (s.listen.empty()) {
      const char* needless = !s.listen_secret_file.empty() ? "--listen-secret-file" : !s.listen_repos.empty() ? "--listen-repo" : nullptr;
      return needless != nullptr ? Problem(std::string(needless) + " needs --listen") : std::nullopt;
    }
    const auto address = ListenAddress::parse(s.listen);
    if (!address) return "--listen must be HOST:PORT or :PORT";
    if (s.listen_secret_file.empty() && !address->is_loopback())
      return "--listen beyond loopback needs --listen-secret-file: put the webhook's secret there, or anybody could have the remote asked; or listen "
             "on 127.0.0.1";
    return {};
  });
  options.check_all([&]() -> std::vector<std::string> {
    std::vector<std::string> problems;
    for (const auto& url : s.listen_repos)
      if (!repository_name(url)) problems.push_back("--listen-repo " + redact_credentials(url) + " is no URL with a host and a path");
    if (!s.listen.empty() && s.listen_repos.empty() && !s.repo.empty() && !repository_name(s.repo))
      problems.push_back("--listen with a --repo without a host needs --listen-repo: the URL by which webhooks name the repository");
    return problems;
  });
}

}  // namespace

void declare_access(Settings& options, SyncSettings& settings) {
  declare_credentials(options, settings);
  declare_listening(options, settings);
}

void add_access_rules(Settings& options, SyncSettings& settings) {
  check_credentials(options, settings);
  check_github_app(options, settings);
  check_listening(options, settings);
}

}  // namespace tidemark::sync
