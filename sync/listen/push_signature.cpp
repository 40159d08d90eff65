#include "sync/listen/push_signature.hpp"

#include <algorithm>
#include <string_view>

#include "daemon/hex.hpp"
#include "daemon/uri.hpp"
#include "sync/crypto.hpp"

namespace tidemark::sync {

namespace {

constexpr std::string_view signing_token = "whsec_";
constexpr int max_signatures = 10;  // in one header

std::string_view header(const HttpRequest& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

Signature by_hmac(std::string_view given, std::string_view body, const std::vector<std::string>& secrets) {
  if (given.empty()) return Signature::missing;
  bool is_good = false;
  const std::string text = lower(given);
  for (const auto& secret : secrets) is_good = equal_in_constant_time(text, hex(hmac_sha256(secret, body))) || is_good;
  return is_good ? Signature::good : Signature::wrong;
}

// "sha256=..."; "" for another algorithm.
std::string_view after_algorithm(std::string_view value) {
  constexpr std::string_view algorithm = "sha256=";
  return value.starts_with(algorithm) ? value.substr(algorithm.size()) : std::string_view();
}

// "v1,BASE64 v1,BASE64", of "ID.TIMESTAMP.BODY".
bool is_signed_by(const std::string& key, const HttpRequest& request) {
  const std::string expected = to_base64(
      hmac_sha256(key, std::string(header(request, "webhook-id")) + "." + std::string(header(request, "webhook-timestamp")) + "." + request.body));
  std::string_view left = header(request, "webhook-signature");
  bool is_good = false;
  for (int i = 0; i < max_signatures && !left.empty(); i++) {
    const std::string_view one = left.substr(0, left.find(' '));
    left.remove_prefix(std::min(left.size(), one.size() + 1));
    if (one.starts_with("v1,")) is_good = equal_in_constant_time(one.substr(3), expected) || is_good;
  }
  return is_good;
}

Signature by_standard_webhooks(const HttpRequest& request, const std::vector<std::string>& secrets) {
  bool is_good = false;
  for (const auto& secret : secrets) {
    if (!secret.starts_with(signing_token)) continue;
    const auto key = from_base64(std::string_view(secret).substr(signing_token.size()));
    if (key && !key->empty()) is_good = is_signed_by(*key, request) || is_good;
  }
  return is_good ? Signature::good : Signature::wrong;
}

// Some versions of the HTTP library decode %XX in a header's value before it gets here.
Signature by_token(std::string_view given, const std::vector<std::string>& secrets) {
  if (given.empty()) return Signature::missing;
  bool is_good = false;
  for (const auto& secret : secrets) {
    is_good = equal_in_constant_time(given, secret) || is_good;
    is_good = equal_in_constant_time(given, percent_decoded(secret).value_or(secret)) || is_good;
  }
  return is_good ? Signature::good : Signature::wrong;
}

}  // namespace

Signature check_signature(Forge forge, const HttpRequest& request, const std::vector<std::string>& secrets) {
  const std::string_view hub_256 = after_algorithm(header(request, "x-hub-signature-256"));
  const std::string_view gitea = header(request, "x-gitea-signature");
  const std::string_view forgejo = header(request, "x-forgejo-signature");
  switch (forge) {
    case Forge::github:
      return by_hmac(hub_256, request.body, secrets);
    case Forge::gitea:
      return by_hmac(gitea.empty() ? hub_256 : gitea, request.body, secrets);
    case Forge::forgejo:
      return by_hmac(!forgejo.empty() ? forgejo : !gitea.empty() ? gitea : hub_256, request.body, secrets);
    case Forge::bitbucket:
      return by_hmac(after_algorithm(header(request, "x-hub-signature")), request.body, secrets);
    case Forge::gitlab:
      return header(request, "webhook-signature").empty() ? by_token(header(request, "x-gitlab-token"), secrets)
                                                          : by_standard_webhooks(request, secrets);
  }
  return Signature::missing;
}

}  // namespace tidemark::sync
