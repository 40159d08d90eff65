#include "sync/fetcher.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "daemon/error.hpp"
#include "git/object_store.hpp"
#include "git/tree_walk.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"
#include "sync/servers.hpp"

using namespace tidemark::sync;
using namespace tidemark::testing;
using tidemark::TransientError;
using tidemark::git::Oid;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  tidemark::git::Library library;
  TemporaryDirectory directory;
  fs::path served = [this] {
    fs::create_directory(directory / "served");
    return directory / "served";
  }();
  GitRepository git{served / "r.git"};
  tidemark::Log log{tidemark::LogFormat::text, tidemark::LogLevel::error};
  SyncSettings settings;
  std::unique_ptr<Repository> repository;
  std::unique_ptr<Fetcher> fetcher;

  void use(const std::string& url, const std::string& ref = "HEAD") {
    fetcher.reset();
    settings.repo = url;
    settings.ref = ref;
    settings.root = (directory / "root").string();
    repository = std::make_unique<Repository>(settings.root, url, log);
    fetcher = std::make_unique<Fetcher>(settings, *repository, log);
  }

  std::string fetched() { return fetcher->fetch(fetcher->resolve({}), {}).hex(); }

  // What is below a commit, read from the fetched objects alone, as git lists it in the remote.
  void check_complete(const std::string& commit) {
    const tidemark::git::ObjectStore store(fs::path(settings.root) / ".git");
    std::string listing;
    tidemark::git::walk_tree(store, store.revision(*Oid::parse(commit)).tree, {}, [&](std::string_view path, const tidemark::git::Entry& entry) {
      listing += entry.oid.hex() + " ";
      listing += path;
      listing += '\0';
      store.read_blob(entry.oid, [](std::string_view) {});
      return true;
    });
    std::string expected;
    const std::string raw = git.git({"ls-tree", "-r", "-z", "--full-tree", commit});
    for (std::size_t at = 0; at < raw.size();) {
      const std::size_t end = raw.find('\0', at);
      const std::string line = raw.substr(at, end - at);
      const std::size_t tab = line.find('\t');
      expected += line.substr(tab - 40, 40) + " " + line.substr(tab + 1) + std::string(1, '\0');
      at = end + 1;
    }
    CHECK(listing == expected);
  }

  void check_follows(const std::string& url) {
    const std::string first = git.commit({{"a", {"100644", "1"}}, {"d/b", {"100644", "2"}}});
    use(url);
    CHECK(fetcher->resolve({}).name == "HEAD");
    CHECK(fetched() == first);
    check_complete(first);
    const std::string second = git.commit({{"a", {"100644", "changed"}}, {"d/b", {"100644", "2"}}, {"e/f/g", {"100755", "3"}}}, "refs/heads/main", first);
    CHECK(fetched() == second);
    check_complete(second);
    CHECK(fetched() == second);
    const std::string forced = git.commit({{"z", {"100644", "unrelated"}}});
    CHECK(fetched() == forced);
    check_complete(forced);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a path is followed over updates and force pushes") { check_follows(git.path().string()); }
TEST_CASE_FIXTURE(Fixture, "a file URL is followed over updates and force pushes") { check_follows(git.url()); }

TEST_CASE_FIXTURE(Fixture, "git:// is followed over updates and force pushes") {
  const GitDaemon server(served);
  check_follows(server.url("r.git"));
}

TEST_CASE_FIXTURE(Fixture, "http:// is followed over updates and force pushes") {
  const GitHttpServer server(served);
  check_follows(server.url("r.git"));
}

TEST_CASE_FIXTURE(Fixture, "ssh:// is followed over updates and force pushes") {
  SshServer::make_key(directory / "key");
  const SshServer server(directory.path(), {directory / "key.pub"});
  std::ofstream(directory / "known_hosts") << server.known_host();
  settings.ssh_key_files = {(directory / "key").string()};
  settings.ssh_known_hosts_file = (directory / "known_hosts").string();
  check_follows(server.url(git.path()));
}
