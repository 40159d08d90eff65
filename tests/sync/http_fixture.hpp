// Git servers over http(s) that tell what they were asked, and a fetcher of one.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/certificates.hpp"
#include "sync/fetch_fixture.hpp"

namespace tidemark::testing {

// While it lives, the process has these variables.
class ScopedEnvironment {
 public:
  explicit ScopedEnvironment(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) {
      names_.push_back(name);
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~ScopedEnvironment() {
    for (const auto& name : names_) unsetenv(name.c_str());
  }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  std::vector<std::string> names_;
};

struct HttpFixture : FetchFixture {
  std::string head = git.commit({{"a", {"100644", "1"}}});
  RequestLog requests{directory / "requests"};

  GitHttpServer serve(std::vector<std::string> options = {}) const {
    options.insert(options.end(), {"--log", requests.file()});
    return GitHttpServer(served, std::move(options));
  }

  // The requests since the last call as "GET /r.git/info/refs", "POST /r.git/git-upload-pack".
  std::vector<std::string> asked() {
    std::vector<std::string> lines;
    for (const auto& request : requests.take()) lines.push_back(request["method"].get<std::string>() + " " + request["path"].get<std::string>());
    return lines;
  }

  std::string push(const std::string& content) {
    head = git.commit({{"a", {"100644", content}}}, "refs/heads/main", head);
    return head;
  }
};

struct TlsFixture : HttpFixture {
  CertificateAuthority authority{directory.path(), "authority"};
  Certificate certificate = authority.issue("server");

  std::vector<std::string> tls(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--certificate", certificate.certificate.string(), "--key", certificate.key.string()});
    return more;
  }
};

}  // namespace tidemark::testing
