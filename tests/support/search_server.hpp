// Real OpenSearch and Elasticsearch for tests, by script/engine. What fails to start fails the test: nothing is skipped.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/command.hpp"
#include "support/server_process.hpp"

namespace tidemark::testing {

// One that other tests use too, so each has indexes of its own names. It stays when the test ends: ctest's fixture stops it.
struct SharedSearchServer {
  std::string name;  // "opensearch-3", or "opensearch" for the newest that a JDK here runs
  std::string url;
};

inline std::string script_engine(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TIDEMARK_TESTS_FOLDER "/../script/engine");
  return trimmed(run(arguments));
}

// A running one by TIDEMARK_TEST_OPENSEARCH_URL, TIDEMARK_TEST_ELASTICSEARCH_URL or, for any product, TIDEMARK_TEST_ENGINE_URL; else ctest's fixture
// has started it. By hand, outside of ctest, it is the one that `script/engine start NAME` starts, and it is started unless it runs.
inline SharedSearchServer shared_search_server(const std::string& name) {
  const char* given = std::getenv(name.starts_with("opensearch") ? "TIDEMARK_TEST_OPENSEARCH_URL" : "TIDEMARK_TEST_ELASTICSEARCH_URL");
  if (!given || !*given) given = std::getenv("TIDEMARK_TEST_ENGINE_URL");
  if (given && *given) return {name, given};
  if (const char* folder = std::getenv("TIDEMARK_TEST_ENGINES_DIR"); folder && *folder) {
    return {name, script_engine({"url", name, "--dir", (std::filesystem::path(folder) / name).string()})};
  }
  return {name, script_engine({"start", name})};
}

// Those of TIDEMARK_TEST_ENGINES ("opensearch-3 elasticsearch-8"), by default the newest of both products; of TIDEMARK_TEST_PRODUCT alone if that is set.
inline std::vector<std::string> search_server_names() {
  const char* given = std::getenv("TIDEMARK_TEST_ENGINES");
  const char* product = std::getenv("TIDEMARK_TEST_PRODUCT");
  std::istringstream words(given && *given ? given : "opensearch elasticsearch");
  std::vector<std::string> names;
  for (std::string name; words >> name;) {
    if (!product || name.starts_with(product)) names.push_back(name);
  }
  return names;
}

// One of the test's own, on a port of its own, which can be stopped, killed and started again on the same data.
class SearchServer {
 public:
  // `options` are script/engine's: {"--plugins", "none"}, {"--password", "secret", "--tls"}. The data are in `folder`.
  SearchServer(std::string name, const std::filesystem::path& folder, std::vector<std::string> options = {})
      : name_(std::move(name)), folder_(folder.string()), options_(std::move(options)), port_(std::to_string(free_port())) {
    start();
  }
  ~SearchServer() { run_any({TIDEMARK_TESTS_FOLDER "/../script/engine", "kill", name_, "--dir", folder_}); }
  SearchServer(const SearchServer&) = delete;
  SearchServer& operator=(const SearchServer&) = delete;

  const std::string& url() const { return url_; }
  std::filesystem::path ca_file() const { return std::filesystem::path(folder_) / "ca.pem"; }  // with --tls

  void start() {
    std::vector<std::string> arguments{"start", name_, "--dir", folder_, "--port", port_};
    arguments.insert(arguments.end(), options_.begin(), options_.end());
    url_ = script_engine(std::move(arguments));
  }
  void stop() const { script_engine({"stop", name_, "--dir", folder_}); }
  void kill() const { script_engine({"kill", name_, "--dir", folder_}); }

 private:
  std::string name_;
  std::string folder_;
  std::vector<std::string> options_;
  std::string port_;
  std::string url_;
};

}  // namespace tidemark::testing
