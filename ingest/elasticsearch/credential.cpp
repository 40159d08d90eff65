#include "ingest/elasticsearch/credential.hpp"

#include <algorithm>
#include <utility>

#include "daemon/error.hpp"
#include "daemon/settings.hpp"
#include "ingest/base64url.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

// RFC 4648, section 4: the other alphabet, padded.
std::string base64(std::string_view bytes) {
  auto text = base64url(bytes);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

}  // namespace

Credential::Credential(const ConnectionSettings& settings) {
  if (!settings.username.empty()) {
    way_ = Way::basic;
    username_ = settings.username;
    secret_ = settings.password;
    file_ = settings.password_file;
  } else if (!settings.api_key.empty() || !settings.api_key_file.empty()) {
    way_ = Way::api_key;
    secret_ = settings.api_key;
    file_ = settings.api_key_file;
  } else if (!settings.bearer_token.empty() || !settings.bearer_token_file.empty()) {
    way_ = Way::bearer;
    secret_ = settings.bearer_token;
    file_ = settings.bearer_token_file;
  }
  try {
    authorization_.header = read();
  } catch (const TransientError& error) {
    throw ConfigError(error.what());
  }
}

Authorization Credential::current() const {
  const std::lock_guard lock(mutex_);
  return authorization_;
}

std::optional<Authorization> Credential::renewed(const Authorization& refused) {
  const std::lock_guard lock(mutex_);
  if (authorization_.version == refused.version) {
    auto header = read();
    if (header == authorization_.header) return std::nullopt;
    authorization_ = {std::move(header), refused.version + 1};
  }
  return authorization_;
}

std::string Credential::read() const {
  if (way_ == Way::none) return {};
  const auto secret = file_.empty() ? secret_ : read_secret_file(file_);
  switch (way_) {
    case Way::basic:
      return "Basic " + base64(username_ + ":" + secret);
    case Way::api_key:
      return "ApiKey " + (secret.find(':') == std::string::npos ? secret : base64(secret));
    default:
      return "Bearer " + secret;
  }
}

std::string Credential::description() const {
  const std::string from = file_.empty() ? " of the environment" : " of " + file_;
  switch (way_) {
    case Way::basic:
      return "user '" + username_ + "' with the password" + from;
    case Way::api_key:
      return "the API key" + from;
    case Way::bearer:
      return "the token" + from;
    default:
      return "no credentials; --engine-username, --engine-api-key-file or --engine-token-file gives some";
  }
}

}  // namespace tidemark::ingest::elasticsearch
