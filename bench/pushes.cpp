#include "pushes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <future>
#include <iostream>
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
    const std::string& answer = server_.call("POST", bulk_path_, body);
    if (answer != R"({"errors":false})") throw std::runtime_error("a bulk was answered with " + answer.substr(0, 500));
    return watch.seconds();
  }

  double flip(const std::string& from, const std::string& to, const std::string& commit) {
    const std::string path = fmt::format("/api/v1/wait?commit={}&timeout={}", commit, patience_seconds);
    auto answered = std::async(std::launch::async, [&] {
      asking_.call("GET", path);
      return std::chrono::steady_clock::now();
    });
    std::this_thread::sleep_for(until_it_waits);
    const auto begin = std::chrono::steady_clock::now();
    std::filesystem::rename(from, to);
    telling_.call("POST", "/api/v1/sync");
    return std::chrono::duration<double>(answered.get() - begin).count();
  }

 private:
  std::string bulk_path_;
  std::string repository_;
  Identity identity_;
  BareClient server_;
  BareClient telling_;
  BareClient asking_;
};

double time_one(PushClock& clock, const std::string& line) {
  std::istringstream words(line);
  std::string what;
  std::string first;
  std::string second;
  std::string third;
  words >> what >> first >> second >> std::ws;
  std::getline(words, third);
  if (what == "bulk") return clock.bulk(first, std::stoll(second), third);
  if (what == "flip") return clock.flip(first, second, third);
  throw std::runtime_error("no push to time: " + line);
}

}  // namespace

void time_pushes(const std::vector<std::string>& arguments) {
  PushClock clock(arguments);
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{{\"seconds\": {:.6f}}}\n", time_one(clock, line));
    std::fflush(stdout);
  }
}

}  // namespace tidemark::bench
