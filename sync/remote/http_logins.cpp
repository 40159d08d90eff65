#include "sync/remote/http_logins.hpp"

#include <string_view>
#include <utility>

#include "sync/remote/remote_url.hpp"

namespace tidemark::sync {

namespace {

std::string origin_of(const HttpUrl& url) { return url.scheme + "://" + url.host + ":" + std::to_string(url.port); }

bool is_for(const HttpUrl& entry, const HttpUrl& url) {
  if (entry.has_origin_of(url)) return true;
  return entry.host == url.host && entry.scheme == "http" && entry.port == 80 && url.scheme == "https" && url.port == 443;
}

std::string without_query(const HttpUrl& url) { return url.text.substr(0, url.text.find('?')); }

// Whole segments: "/a" begins "/a/b" and "/a", not "/ab".
bool begins(std::string_view path, std::string_view whole) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return whole.starts_with(path) && (whole.size() == path.size() || whole[path.size()] == '/');
}

}  // namespace

// Later entries go before earlier ones of the same worth, as git-sync gives them to git.
HttpLogins::HttpLogins(const SyncSettings& settings, RemoteCalls calls) {
  const RemoteUrl remote = RemoteUrl::parse(settings.repo);
  if (remote.transport == RemoteUrl::Transport::http) repo_ = HttpUrl::parse(remote.url);
  if (repo_ && !settings.username.empty()) {
    add(*repo_, settings.username, settings.password, settings.password_file,
        settings.password_file.empty() ? "GITSYNC_PASSWORD" : "--password-file");
  } else if (repo_ && remote.user) {
    entries_.push_back({*repo_, *remote.user, remote.password.value_or(""), "the URL of --repo", "of the URL"});
  }
  for (const auto& credential : settings.credentials) {
    if (const auto url = HttpUrl::parse(credential.url))
      add(*url, credential.username, credential.password, credential.password_file, "--credential");
  }
  if (repo_ && !settings.askpass_url.empty()) {
    askpass_ = std::make_unique<Askpass>(settings.askpass_url, settings.ca_file, std::move(calls.askpass));
    entries_.push_back({*repo_, "", askpass_.get(), "--askpass-url", ""});
  }
  if (repo_ && settings.github_app.is_set()) {
    github_app_ = std::make_unique<GithubApp>(settings.github_app, TlsFiles{settings.ca_file, settings.client_cert_file, settings.client_key_file},
                                              std::move(calls.github_app));
    entries_.push_back({*repo_, "", github_app_.get(), "the GitHub App; check that it is installed for the repository", ""});
  }
}

void HttpLogins::add(const HttpUrl& url, const std::string& user, const std::string& password, const std::string& password_file,
                     const std::string& source) {
  Entry entry{url, user, password, source, user};
  if (!password_file.empty()) entry.password = SecretFile(password_file);
  entries_.push_back(std::move(entry));
}

HttpLogins::Entry* HttpLogins::entry_for(const HttpUrl& url) {
  Entry* best = nullptr;
  bool best_begins = false;
  for (Entry& entry : entries_) {
    if (!is_for(entry.url, url)) continue;
    const bool entry_begins = begins(entry.url.path, url.path);
    const bool is_better =
        !best || (entry_begins && (!best_begins || entry.url.path.size() >= best->url.path.size())) || (!entry_begins && !best_begins);
    if (!is_better) continue;
    best = &entry;
    best_begins = entry_begins;
  }
  return best;
}

std::optional<HttpLogins::Login> HttpLogins::find(const HttpUrl& url, Freshness freshness, const std::stop_token& stop) {
  Entry* entry = entry_for(url);
  if (!entry) return std::nullopt;
  const auto asked = [&](auto& helper) {
    if (freshness == Freshness::fresh) helper.forget();
    const HttpLogin& login = helper.login(stop);
    return Login{login, entry->source, login.user};
  };
  if (Askpass** askpass = std::get_if<Askpass*>(&entry->password)) return asked(**askpass);
  if (GithubApp** app = std::get_if<GithubApp*>(&entry->password)) return asked(**app);
  if (SecretFile* file = std::get_if<SecretFile>(&entry->password)) {
    if (freshness == Freshness::fresh) file->forget();
    return Login{{entry->user, file->read()}, entry->source, entry->told_user};
  }
  return Login{{entry->user, std::get<std::string>(entry->password)}, entry->source, entry->told_user};
}

void HttpLogins::forbidden(const HttpUrl& url) {
  Entry* entry = entry_for(url);
  if (!entry) return;
  if (Askpass** askpass = std::get_if<Askpass*>(&entry->password)) (*askpass)->forget();
  if (GithubApp** app = std::get_if<GithubApp*>(&entry->password)) (*app)->forget();
}

std::string HttpLogins::advice(const HttpUrl& url) const {
  const std::string asks = without_query(url) + " asks for a user and password (or does not exist); ";
  if (repo_ && repo_->has_origin_of(url)) return asks + "set --username and --password-file, or GITSYNC_PASSWORD";
  return asks + "those for other hosts are not sent there; give one for it by --credential";
}

std::string HttpLogins::refusal(const HttpUrl& url, const Login& login) {
  return without_query(url) + " refuses the user '" + login.user + "' with the password from " + login.source +
         "; check both, and that this user may read the repository";
}

bool HttpLogins::is_asked_for(const HttpUrl& url) const { return asked_.contains(origin_of(url)); }

void HttpLogins::asked_for(const HttpUrl& url) { asked_.insert(origin_of(url)); }

}  // namespace tidemark::sync
