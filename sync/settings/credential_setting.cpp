#include "sync/settings/credential_setting.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "daemon/http_url.hpp"
#include "daemon/log.hpp"
#include "daemon/text.hpp"

namespace tidemark::sync {

namespace {

using Json = nlohmann::json;
using Problem = std::optional<std::string>;

Problem read_field(const std::string& name, const Json& value, CredentialSetting& credential) {
  std::string* target = name == "url"             ? &credential.url
                        : name == "username"      ? &credential.username
                        : name == "password"      ? &credential.password
                        : name == "password-file" ? &credential.password_file
                                                  : nullptr;
  if (!target) return "there is no field '" + one_line(name, 40) + "'; there are url, username, password and password-file";
  if (!value.is_string()) return "its " + name + " is no text";
  *target = value.get<std::string>();
  return {};
}

Problem check(const CredentialSetting& credential) {
  if (credential.url.empty()) return "it needs a url";
  const std::string told = "that for " + one_line(redact_credentials(credential.url), 200);
  if (!HttpUrl::parse(credential.url)) return told + " needs a url of http or https, without a user in it";
  if (credential.username.empty()) return told + " needs a username";
  if (credential.password.empty() == credential.password_file.empty()) return told + " needs either a password or a password-file";
  return {};
}

Problem read(const Json& object, CredentialSetting& credential) {
  if (!object.is_object()) return "it is no JSON object";
  for (const auto& [name, value] : object.items()) {
    if (auto problem = read_field(name, value, credential)) return problem;
  }
  return check(credential);
}

}  // namespace

std::optional<std::string> add_credentials(std::string_view json, std::vector<CredentialSetting>& credentials) {
  // The parser's own message would show what is around the mistake.
  const Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded()) return R"(not JSON such as {"url":"https://host","username":"name","password-file":"/path"})";
  const Json list = parsed.is_array() ? parsed : Json::array({parsed});
  for (std::size_t i = 0; i < list.size(); ++i) {
    CredentialSetting credential;
    if (const auto problem = read(list[i], credential)) return fmt::format("credential {}: {}", i + 1, *problem);
    credentials.push_back(std::move(credential));
  }
  return {};
}

}  // namespace tidemark::sync
