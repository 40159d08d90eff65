#include "pushes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "bare_client.hpp"
#include "bulk_bodies.hpp"
#include "clocks.hpp"
#include "git/object_store.hpp"

namespace tidemark::bench {

namespace {

// Until the agent has taken the request that waits: what that costs is not the push's.
constexpr auto until_it_waits = std::chrono::milliseconds(5);
constexpr int patience_seconds = 60;

// Seconds since the flip.
struct Push {
  double searchable = 0;
  double checkpoint = 0;
};

class PushClock {
 public:
  explicit PushClock(const std::vector<std::string>& arguments)
      : bulk_path_("/" + arguments.at(1) + "/_bulk?refresh=true&filter_path=errors"),
        repository_(arguments.at(2)),
        identity_{.source = arguments.at(3), .origin = arguments.at(4)},
        server_(arguments.at(0)),
        telling_(arguments.at(5)),
        asking_(arguments.at(5)) {}

  double bulk(const std::string& commit, std::int64_t generation, const std::string& file) {
    std::int64_t documents = 0;
    const std::string body = bulk_body(git::ObjectStore(repository_), commit, identity_, generation, documents, file);
    if (documents != 1) throw std::runtime_error(fmt::format("{} documents at {} of {}", documents, file, commit));
    std::this_thread::sleep_for(until_it_waits);
    const Stopwatch watch;
    require_no_errors(server_.call("POST", bulk_path_, body));
    return watch.seconds();
  }

  Push flip(const std::string& from, const std::string& to, const std::string& commit) {
    const std::string path = fmt::format("/api/v1/wait?commit={}&timeout={}", commit, patience_seconds);
    auto answered = std::async(std::launch::async, [&] {
      asking_.call("GET", path);
      return std::chrono::steady_clock::now();
    });
    std::this_thread::sleep_for(until_it_waits);
    const auto begin = std::chrono::steady_clock::now();
    std::filesystem::rename(from, to);
    telling_.call("POST", "/api/v1/sync");
    const double checkpoint = std::chrono::duration<double>(answered.get() - begin).count();
    return {.searchable = checkpoint - commit_seconds(commit), .checkpoint = checkpoint};
  }

 private:
  // What the agent reports of the run to this commit: how long its last stage took.
  double commit_seconds(const std::string& commit) {
    const Stopwatch watch;
    while (watch.seconds() < patience_seconds) {
      const auto runs = nlohmann::json::parse(telling_.call("GET", "/api/v1/runs?limit=1")).at("runs");
      const auto& run = runs.at(0);
      if (run.at("to") == commit && run.at("outcome") == "succeeded") return run.at("seconds").at("commit").get<double>();
    }
    throw std::runtime_error("no run has ended at " + commit);
  }

  std::string bulk_path_;
  std::string repository_;
  Identity identity_;
  BareClient server_;
  BareClient telling_;
  BareClient asking_;
};

std::string time_one(PushClock& clock, const std::string& line) {
  std::istringstream words(line);
  std::string what;
  std::string first;
  std::string second;
  std::string third;
  words >> what >> first >> second >> std::ws;
  std::getline(words, third);
  if (what == "bulk") return fmt::format(R"({{"seconds": {:.6f}}})", clock.bulk(first, std::stoll(second), third));
  if (what != "flip") throw std::runtime_error("no push to time: " + line);
  const Push push = clock.flip(first, second, third);
  return fmt::format(R"({{"searchable": {:.6f}, "checkpoint": {:.6f}}})", push.searchable, push.checkpoint);
}

}  // namespace

void time_pushes(const std::vector<std::string>& arguments) {
  PushClock clock(arguments);
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{}\n", time_one(clock, line));
    std::fflush(stdout);
  }
}

}  // namespace tidemark::bench
