// --github-app-...: a GitHub App that may read the repository.
#pragma once

#include <cstdint>
#include <string>

namespace tidemark::sync {

struct GithubAppSetting {
  std::string base_url = "https://api.github.com/";
  std::int64_t application_id = 0;  // either this
  std::string client_id;            // or this
  std::int64_t installation_id = 0;
  std::string private_key;       // PEM: GITSYNC_GITHUB_APP_PRIVATE_KEY only
  std::string private_key_file;  // instead of it; read again when it has changed

  bool is_set() const { return application_id != 0 || !client_id.empty(); }
};

}  // namespace tidemark::sync
