// The live tree is repaired by an exchange of two names.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "sync/published_root.hpp"

using namespace tidemark;
using namespace tidemark::testing;
namespace fs = std::filesystem;

TEST_CASE_FIXTURE(PublishedRoot, "while the live tree is repaired a reader finds every file that was not damaged, at every moment") {
  Tree tree;
  for (int i = 0; i < 30; ++i) tree["folder/" + std::to_string(i)] = {"100644", "whole " + std::to_string(i)};
  const std::string commit = git.commit(tree);
  auto publisher = this->publisher();
  publish(publisher, commit);
  std::atomic<bool> done = false;
  std::atomic<int> reads = 0;
  std::atomic<int> faults = 0;
  std::thread reader([&] {
    for (int i = 1; !done; i = i % 29 + 1) {
      if (read_file(link() / "folder" / std::to_string(i)) != "whole " + std::to_string(i)) ++faults;
      ++reads;
    }
  });
  for (int round = 0; round < 40; ++round) {
    const int until = reads + 5;
    while (reads < until) std::this_thread::yield();
    fs::remove(live() / "folder/0");
    CHECK(publish(publisher, commit).has_value());
    publisher.clean({});
    CHECK(read_file(live() / "folder/0") == "whole 0");
  }
  done = true;
  reader.join();
  CHECK(faults == 0);
  CHECK_FALSE(publish(publisher, commit).has_value());
  CHECK(files_below(live()) == tree);
}

TEST_CASE_FIXTURE(PublishedRoot, "what lies in the live tree besides its files is no damage, and stays") {
  const std::string commit = git.commit({{"folder/file", {"100644", "file"}}});
  auto publisher = this->publisher();
  publish(publisher, commit);
  write_file(live() / "folder/extra", "extra");
  fs::create_directory(live() / "more");
  CHECK_FALSE(publish(publisher, commit).has_value());
  CHECK(read_file(live() / "folder/extra") == "extra");
  CHECK(fs::is_directory(live() / "more"));
}
