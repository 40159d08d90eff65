#include "sync/remote/askpass.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/http_url.hpp"

namespace tidemark::sync {

namespace {

constexpr auto limit = std::chrono::seconds(1);
constexpr std::int64_t max_bytes = 64 * 1024;

// As of git's credential helpers: other keys are passed over, the last of a key counts.
HttpLogin parse(std::string_view text) {
  HttpLogin login;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("username=")) login.user = line.substr(9);
    if (line.starts_with("password=")) login.password = line.substr(9);
  }
  return login;
}

}  // namespace

Askpass::Askpass(std::string url, const std::string& ca_file, std::function<void(bool)> called)
    : url_(std::move(url)), called_(std::move(called)), client_({.ca = ca_file}) {}

const HttpLogin& Askpass::login(const std::stop_token& stop) {
  if (login_) return *login_;
  try {
    login_ = ask(stop);
  } catch (const TransientError& error) {
    if (called_) called_(false);
    throw TransientError("--askpass-url: " + std::string(error.what()));
  }
  if (called_) called_(true);
  return *login_;
}

HttpLogin Askpass::ask(const std::stop_token& stop) {
  HttpCall call;
  call.method = "GET";
  call.url = url_;
  call.timeout = limit;
  call.max_response_bytes = max_bytes;
  const HttpAnswer answer = client_.call(call, stop);
  const std::string place = told_url(url_);
  if (answer.status != 200) throw TransientError(place + " answers " + std::to_string(answer.status));
  HttpLogin login = parse(answer.body);
  if (login.password.empty()) throw TransientError(place + " answers without a line of password=");
  return login;
}

}  // namespace tidemark::sync
