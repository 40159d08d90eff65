// --credential: who we are to the remotes below a URL, in git-sync's JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::sync {

struct CredentialSetting {
  std::string url;  // http or https
  std::string username;
  std::string password;
  std::string password_file;  // instead of a password
};

// {"url": "https://host", "username": "u", "password": "p"} or with "password-file", or a list of such. Adds them to `credentials`, or gives a
// problem in words, without a secret.
std::optional<std::string> add_credentials(std::string_view json, std::vector<CredentialSetting>& credentials);

}  // namespace tidemark::sync
