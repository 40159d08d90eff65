#include "sync/process_list.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tidemark::sync;

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// What is left of both.
std::vector<std::string> hidden(std::vector<std::string> arguments, std::vector<std::string> variables = {}) {
  arguments.insert(arguments.begin(), "tidemark-sync");
  const auto argv = pointers(arguments);
  const auto environment = pointers(variables);
  hide_secrets(static_cast<int>(arguments.size()), const_cast<char**>(argv.data()), const_cast<char**>(environment.data()));
  arguments.erase(arguments.begin());
  arguments.insert(arguments.end(), variables.begin(), variables.end());
  return arguments;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Secrets in the arguments are hidden in both spellings, and nothing else is") {
  CHECK(hidden({"--password=word", "--root=/git", "--password", "word", "--ref=main"}) ==
        Texts{"--password=****", "--root=/git", "--password", "****", "--ref=main"});
  CHECK(hidden({"--webhook-url=http://x/?t"}, {"GITSYNC_WEBHOOK_URL=http://x/?t"}) == Texts{"--webhook-url=***********", "GITSYNC_WEBHOOK_URL=***********"});
  CHECK(hidden({"--credential={\"a\"}", "--askpass-url", "http://x/?t"}) == Texts{"--credential=*****", "--askpass-url", "***********"});
  CHECK(hidden({"--repo=https://user:w@rd@host/x", "--repo", "https://user:word@host/x"}) ==
        Texts{"--repo=https://*********@host/x", "--repo", "https://*********@host/x"});
  CHECK(hidden({"--password-file=/a", "--repo=git@host:x", "--password"}) == Texts{"--password-file=/a", "--repo=git@host:x", "--password"});
}

TEST_CASE("Secrets in our variables are hidden, and those of others stay") {
  CHECK(hidden({}, {"GITSYNC_PASSWORD=word", "GIT_SYNC_PASSWORD=word", "GITSYNC_GITHUB_APP_PRIVATE_KEY=a\nb", "GITSYNC_CREDENTIAL={}"}) ==
        Texts{"GITSYNC_PASSWORD=****", "GIT_SYNC_PASSWORD=****", "GITSYNC_GITHUB_APP_PRIVATE_KEY=***", "GITSYNC_CREDENTIAL=**"});
  CHECK(hidden({}, {"GITSYNC_PASSWORD_FILE=/a", "GITSYNC_REPO=https://u:w@host/x", "GIT_ASKPASS_URL=x"}) ==
        Texts{"GITSYNC_PASSWORD_FILE=/a", "GITSYNC_REPO=https://***@host/x", "GIT_ASKPASS_URL=*"});
  CHECK(hidden({}, {"https_proxy=http://u:w@proxy", "PATH=/bin", "odd", ""}) == Texts{"https_proxy=http://u:w@proxy", "PATH=/bin", "odd", ""});
}
