// A served repository and a fetcher of it, for the tests of fetching.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "daemon/error.hpp"
#include "git/object_store.hpp"
#include "git/tree_walk.hpp"
#include "support/git_repository.hpp"
#include "support/temporary_directory.hpp"
#include "sync/remote/fetcher.hpp"
#include "sync/servers.hpp"

namespace tidemark::testing {

// That an attempt ends within a second is promised; a machine that is busy with other tests adds to it.
constexpr auto slack = std::chrono::milliseconds(2500);

// Enough that a transfer has a middle.
inline Tree large_tree() {
  Tree tree;
  for (int i = 0; i < 50; ++i) {
    std::string text;
    for (int j = 0; j < 400; ++j) text += std::to_string(i * 7919 * (j + 1) % 104729);
    tree["f" + std::to_string(i)] = {"100644", text};
  }
  return tree;
}

struct FetchFixture {
  git::Library library;
  TemporaryDirectory directory;
  std::filesystem::path served = [this] {
    std::filesystem::create_directory(directory / "served");
    return directory / "served";
  }();
  GitRepository git{served / "r.git"};
  Log log{LogFormat::text, LogLevel::error};
  sync::SyncSettings settings;
  std::unique_ptr<sync::Repository> repository;
  std::unique_ptr<sync::Network> network;
  std::unique_ptr<sync::Fetcher> fetcher;

  std::filesystem::path root() const { return directory / "root"; }

  void use(const std::string& url, const std::string& ref = "HEAD") {
    fetcher.reset();
    settings.repo = url;
    settings.ref = ref;
    settings.root = root().string();
    repository = std::make_unique<sync::Repository>(settings.root, url, log);
    network = std::make_unique<sync::Network>(settings);
    make_fetcher();
  }

  // With the settings as they are now.
  void make_fetcher() {
    fetcher = std::make_unique<sync::Fetcher>(settings, sync::FetchSource{settings.repo, settings.ref, settings.depth}, *network, *repository, log);
  }

  std::string fetched() { return fetcher->fetch(fetcher->resolve({}), {}).hex(); }

  // Why resolving and fetching failed, or "".
  std::string failure(std::stop_token stop = {}) {
    try {
      fetcher->fetch(fetcher->resolve(stop), stop);
      return "";
    } catch (const TransientError& error) {
      return error.what();
    }
  }

  // What is below a commit, read from the fetched objects alone, is what git lists in the remote.
  void check_complete(const std::string& commit) {
    const git::ObjectStore store(root() / ".git");
    std::string listing;
    git::walk_tree(store, store.revision(*git::Oid::parse(commit)).tree, {}, [&](std::string_view path, const git::Entry& entry) {
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
};

inline void check_says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  CHECK(text.find(part) != std::string::npos);
}

}  // namespace tidemark::testing
