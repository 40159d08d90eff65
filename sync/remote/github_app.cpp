#include "sync/remote/github_app.hpp"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/http_url.hpp"
#include "daemon/log.hpp"
#include "daemon/settings.hpp"
#include "daemon/text.hpp"
#include "sync/crypto.hpp"

namespace tidemark::sync {

namespace {

using Json = nlohmann::json;
using WallClock = std::chrono::system_clock;
using std::chrono::seconds;

constexpr auto limit = seconds(10);
constexpr std::int64_t max_bytes = 256 * 1024;  // with selected repositories the answer lists them
constexpr std::int64_t backdated_seconds = 60;
constexpr std::int64_t valid_seconds = 540;  // with the minute before: GitHub takes no more than ten minutes
constexpr std::size_t max_token_bytes = 4096;
constexpr auto tolerated_skew = seconds(30);

std::optional<WallClock::time_point> parse_time(const std::string& text, const char* format) {
  tm parts{};
  const char* end = strptime(text.c_str(), format, &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return WallClock::from_time_t(timegm(&parts));
}

// What GitHub's clock says, by the answer.
std::optional<WallClock::time_point> time_of(const HttpAnswer& answer) {
  const auto found = answer.headers.find("date");
  return found == answer.headers.end() ? std::nullopt : parse_time(found->second, "%a, %d %b %Y %H:%M:%S GMT");
}

std::string text_of(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// GitHub's own words; none that show what was sent.
std::string words(const Json& answer, std::string_view jwt) {
  const std::string message = text_of(answer, "message");
  if (message.empty() || message.find(jwt.substr(0, jwt.find('.'))) != std::string::npos) return "";
  return " (it says: " + one_line(redact_credentials(message), 300) + ")";
}

std::string skew(const HttpAnswer& answer) {
  const auto theirs = time_of(answer);
  if (!theirs) return "";
  const auto behind = std::chrono::duration_cast<seconds>(*theirs - WallClock::now());
  if (std::chrono::abs(behind) <= tolerated_skew) return "";
  return fmt::format("; this machine's clock is {} s {}: set it right", std::chrono::abs(behind).count(), behind.count() > 0 ? "behind" : "ahead");
}

std::string meaning(const GithubAppSetting& setting, int status) {
  const std::string app = setting.client_id.empty() ? fmt::format("--github-app-application-id={}", setting.application_id)
                                                    : "--github-app-client-id=" + setting.client_id;
  switch (status) {
    case 401:
      return "401: it does not believe that we are this App; check that the private key is one of the App's and that " + app + " is the App's";
    case 403:
      return "403: the App may not do this; check that its installation is not suspended";
    case 404:
      return fmt::format("404: this App has no installation {}; check --github-app-installation-id and {}", setting.installation_id, app);
    case 422:
      return "422: the installation can't give a token";
    case 429:
      return "429: it is asked too often";
    default:
      return std::to_string(status);
  }
}

}  // namespace

std::string github_app_jwt(const std::string& issuer, const std::string& private_key, std::int64_t now) {
  const RsaPrivateKey key(private_key);
  const Json claims{{"iat", now - backdated_seconds}, {"exp", now + valid_seconds}, {"iss", issuer}};
  const std::string text = to_base64url(R"({"alg":"RS256","typ":"JWT"})") + "." + to_base64url(claims.dump());
  return text + "." + to_base64url(key.sign(text));
}

GithubApp::GithubApp(GithubAppSetting setting, TlsFiles tls, std::function<void(bool)> called)
    : setting_(std::move(setting)), called_(std::move(called)), client_(std::move(tls)) {}

const HttpLogin& GithubApp::login(const std::stop_token& stop) {
  if (login_ && Clock::now() < renew_at_) return *login_;
  login_.reset();
  try {
    ask(stop);
  } catch (const TransientError& error) {
    if (called_) called_(false);
    throw TransientError("ask for a token of the GitHub App: " + std::string(error.what()));
  }
  if (called_) called_(true);
  return *login_;
}

std::string GithubApp::endpoint() const {
  std::string base = setting_.base_url;
  while (base.ends_with('/')) base.pop_back();
  return fmt::format("{}/app/installations/{}/access_tokens", base, setting_.installation_id);
}

std::string GithubApp::private_key() {
  if (setting_.private_key_file.empty()) return setting_.private_key;
  const auto now = FileStamp::of(setting_.private_key_file);
  if (now && now == stamp_) return key_;
  stamp_.reset();
  key_ = read_whole_secret_file(setting_.private_key_file);
  stamp_ = now;
  return key_;
}

void GithubApp::ask(const std::stop_token& stop) {
  const char* source = setting_.private_key_file.empty() ? "GITSYNC_GITHUB_APP_PRIVATE_KEY" : "--github-app-private-key-file";
  const std::string issuer = setting_.client_id.empty() ? std::to_string(setting_.application_id) : setting_.client_id;
  std::string jwt;
  try {
    jwt = github_app_jwt(issuer, private_key(), WallClock::to_time_t(WallClock::now()));
  } catch (const std::invalid_argument& error) {
    throw TransientError(std::string("the key of ") + source + " can't be used: " + error.what());
  }
  HttpCall call;
  call.url = endpoint();
  call.timeout = limit;
  call.max_response_bytes = max_bytes;
  call.headers = {{"Accept", "application/vnd.github+json"}, {"Authorization", "Bearer " + jwt}, {"X-GitHub-Api-Version", "2022-11-28"}};
  const HttpAnswer answer = client_.call(call, stop);
  const Json content = Json::parse(answer.body, nullptr, false);
  const std::string place = told_url(call.url);
  if (answer.status != 201 && answer.status != 200)
    throw TransientError(place + " answers " + meaning(setting_, answer.status) + words(content, jwt) + (answer.status == 401 ? skew(answer) : ""));
  const std::string token = text_of(content, "token");
  if (token.empty() || token.size() > max_token_bytes || token.find_first_of("\r\n") != std::string::npos)
    throw TransientError(place + " answers without a token; check --github-base-url");
  const auto expires = parse_time(text_of(content, "expires_at"), "%Y-%m-%dT%H:%M:%SZ");
  // By their clock, which may not be ours.
  const auto life = expires ? *expires - time_of(answer).value_or(WallClock::now()) : WallClock::duration(std::chrono::minutes(5));
  renew_at_ = Clock::now() + std::clamp<WallClock::duration>(life * 9 / 10, seconds(0), std::chrono::hours(24));
  login_ = HttpLogin{"x-access-token", token};
}

}  // namespace tidemark::sync
