#include "sync/remote/http_remote.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/log.hpp"
#include "daemon/text.hpp"

namespace tidemark::sync {

namespace {

constexpr int max_redirects = 5;
constexpr std::string_view refs_tail = "/info/refs?service=git-upload-pack";
constexpr std::string_view refs_type = "application/x-git-upload-pack-advertisement";
constexpr std::string_view pack_type = "application/x-git-upload-pack-result";

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

std::string header(const HttpHead& head, const std::string& name) {
  const auto found = head.headers.find(name);
  return found == head.headers.end() ? "" : found->second;
}

// "text/html" of "Text/HTML; charset=utf-8"
std::string type_of(const HttpHead& head) {
  std::string type = header(head, "content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return type;
}

bool takes_basic(const HttpHead& head) {
  std::string challenges = header(head, "www-authenticate");
  for (char& c : challenges)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return challenges.empty() || challenges.find("basic") != std::string::npos;
}

}  // namespace

HttpRemote::HttpRemote(HttpStream& http, HttpLogins& logins, const std::string& url, std::string named, std::optional<HttpLogin> own)
    : http_(http), logins_(logins), named_(std::move(named)), origin_(without_slash(url)), own_(std::move(own)), place_(origin_) {
  if (!HttpUrl::parse(origin_)) throw ConfigError(named_ + " " + url + " is no URL");
}

void HttpRemote::forget_redirects() {
  place_ = origin_;
  is_settled_ = true;
}

void HttpRemote::ask_for_refs(GitProtocol protocol, const std::stop_token& stop) {
  HttpStreamRequest request;
  request.headers = {{"Accept", "*/*"}, {"Cache-Control", "no-cache"}};
  if (protocol == GitProtocol::v2) request.headers["Git-Protocol"] = "version=2";
  if (!is_settled_) forget_redirects();
  auto url = HttpUrl::parse(place_ + std::string(refs_tail));
  for (int redirects = 0; url; ++redirects) {
    const HttpHead head = exchange(request, *url, stop);
    if (!is_redirect(head.status)) {
      check(head, *url, refs_type, stop);
      place_ = url->text.substr(0, url->text.size() - refs_tail.size());
      return;
    }
    if (redirects == max_redirects) throw TransientError("it redirects more than " + std::to_string(max_redirects) + " times; check " + named_);
    is_settled_ = is_settled_ && (head.status == 301 || head.status == 308);
    follow(*url, head);
  }
}

void HttpRemote::follow(HttpUrl& url, const HttpHead& head) const {
  const std::string to = header(head, "location");
  // An empty one would be the same page again; not every libcurl says so.
  const auto next = to.empty() ? std::nullopt : HttpUrl::resolve(url.text, to);
  const std::string told = "it redirects to '" + one_line(redact_credentials(to), 300) + "'";
  if (!next) throw TransientError(told + ", which is no URL of http(s); check " + named_);
  if (url.scheme == "https" && next->scheme == "http")
    throw TransientError(told + ", from https to http, which is not followed: anybody could read and change what comes from there");
  if (!next->text.ends_with(refs_tail))
    throw TransientError(told + ", which is no git repository (a page to log in?); check " + named_ + " and the credentials");
  url = *next;
}

void HttpRemote::ask_upload_pack(std::string body, GitProtocol protocol, const std::stop_token& stop) {
  const auto url = HttpUrl::parse(place_ + "/git-upload-pack");
  if (!url) throw TransientError(named_ + " " + place_ + " is no URL");
  HttpStreamRequest request;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/x-git-upload-pack-request"}, {"Accept", std::string(pack_type)}};
  if (protocol == GitProtocol::v2) request.headers["Git-Protocol"] = "version=2";
  request.body = std::move(body);
  check(exchange(std::move(request), *url, stop), *url, pack_type, stop);
}

HttpHead HttpRemote::begin(const HttpStreamRequest& request, const std::stop_token& stop) {
  try {
    return http_.begin(request, stop);
  } catch (const CertificateError& error) {
    throw TransientError(std::string(error.what()) + "; name its authority by --ca-file");
  }
}

std::optional<HttpLogins::Login> HttpRemote::login_for(const HttpUrl& url, HttpLogins::Freshness freshness, const std::stop_token& stop) {
  const auto origin = HttpUrl::parse(origin_);
  if (own_ && origin && origin->has_origin_of(url)) return HttpLogins::Login{*own_, named_, "of the URL"};
  return logins_.find(url, freshness, stop);
}

// One request; again with a login when the server asks for one, or when it refuses the one that it got and there is another by now.
HttpHead HttpRemote::exchange(HttpStreamRequest request, const HttpUrl& url, const std::stop_token& stop) {
  request.url = url.text;
  std::optional<HttpLogins::Login> tried;
  if (logins_.is_asked_for(url)) tried = login_for(url, HttpLogins::Freshness::cached, stop);
  for (bool is_last = false;; is_last = true) {
    request.login = tried ? std::optional(tried->login) : std::nullopt;
    HttpHead head = begin(request, stop);
    if (head.status == 403 && tried) logins_.forbidden(url);
    if (head.status != 401) return head;
    if (!takes_basic(head)) {
      throw TransientError(url.text + " asks for a way to log in that is not supported ('" + one_line(header(head, "www-authenticate"), 200) +
                           "'); only a user and password (or token) over HTTP basic auth is");
    }
    logins_.asked_for(url);
    auto next = is_last ? std::nullopt : login_for(url, HttpLogins::Freshness::fresh, stop);
    if (!next && !tried) throw TransientError(logins_.advice(url));
    if (!next || (tried && next->login == tried->login)) throw TransientError(logins_.refusal(url, *tried));
    tried = std::move(next);
  }
}

void HttpRemote::check(const HttpHead& head, const HttpUrl& url, std::string_view type, const std::stop_token& stop) {
  if (is_redirect(head.status))
    throw TransientError(url.text + " redirects in the middle of a fetch to '" + one_line(redact_credentials(header(head, "location")), 300) +
                         "', which is not followed");
  if (head.status != 200) throw TransientError("the server answers " + meaning_of(head.status) + words(head, stop));
  const std::string got = type_of(head);
  if (got == type) return;
  if (got.starts_with("text/html"))
    throw TransientError("the server answers with a web page: there is no git repository at this URL, or it wants a login; check " + named_ +
                         " and the credentials");
  if (got == "text/plain" && type == refs_type)
    throw TransientError(
        "the server knows only git's old protocol for plain files ('dumb http'), which is not supported; it needs git http-backend or its like");
  throw TransientError("the server answers with '" + one_line(got, 100) + "' and not with " + std::string(type) + "; check that " + named_ +
                       " is a git repository");
}

std::string HttpRemote::meaning_of(int status) const {
  switch (status) {
    case 400:
      return "400 Bad Request";
    case 403:
      return "403 Forbidden: it does not let this user read the repository, or not from here";
    case 404:
      return "404 Not Found: there is no such repository, or this user may not see it; check " + named_ + " and the credentials";
    case 407:
      return "407 Proxy Authentication Required: put the proxy's user and password into the proxy's URL in the environment";
    case 410:
      return "410 Gone: the repository is not there any more; check " + named_;
    case 429:
      return "429 Too Many Requests: raise --period";
    case 500:
      return "500 Internal Server Error";
    case 502:
      return "502 Bad Gateway";
    case 503:
      return "503 Service Unavailable";
    case 504:
      return "504 Gateway Timeout";
    default:
      return std::to_string(status);
  }
}

// What an answer in plain text says, as git's servers explain themselves.
std::string HttpRemote::words(const HttpHead& head, const std::stop_token& stop) {
  if (type_of(head) != "text/plain") return "";
  std::string text;
  constexpr std::size_t enough = 300;
  while (text.size() < enough) {
    const std::string more = read_some(stop);
    if (more.empty()) break;
    text += more;
  }
  text = text.substr(0, std::min(enough, text.find_first_of("\r\n")));
  return text.empty() ? "" : " (it says: " + one_line(redact_credentials(text)) + ")";
}

std::string HttpRemote::read_some(const std::stop_token& stop) {
  std::array<char, 16 * 1024> buffer;
  return {buffer.data(), read(buffer.data(), buffer.size(), stop)};
}

}  // namespace tidemark::sync
