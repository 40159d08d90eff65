// What a search server needs for the same work when the shortest program asks for it: what bench/run-engine divides our figures by.
//
//   tidemark-bench-engine prebuild REPOSITORY COMMIT SOURCE ORIGIN GENERATION FILE   the bulk bodies of all documents of a commit
//   tidemark-bench-engine load URL INDEX CREATE FINISH FILE BYTES OPERATIONS LANES   creates the index, sends them, sets its settings, refreshes
//   tidemark-bench-engine pushes URL INDEX REPOSITORY SOURCE ORIGIN AGENT-URL        pushes as standard input has them (pushes.hpp), the agent's too
//   tidemark-bench-engine list URL INDEX                                             every row, in the agent's pages of a point in time (OpenSearch)
//
// CREATE and FINISH are files with JSON. Answers are lines of JSON; what is made ready before is no part of a figure.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bare_client.hpp"
#include "bulk_bodies.hpp"
#include "clocks.hpp"
#include "git/object_store.hpp"
#include "ingest/elasticsearch/listing_page.hpp"
#include "pushes.hpp"

namespace {

using namespace tidemark;
using namespace tidemark::bench;
using namespace tidemark::ingest::elasticsearch;
using Arguments = std::vector<std::string>;

std::string content_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void prebuild(const Arguments& arguments) {
  std::int64_t documents = 0;
  const Identity identity{.source = arguments.at(2), .origin = arguments.at(3)};
  const std::string body = bulk_body(git::ObjectStore(arguments.at(0)), arguments.at(1), identity, std::stoll(arguments.at(4)), documents);
  std::ofstream file(arguments.at(5), std::ios::binary);
  file << body;
  if (!file.flush()) throw std::runtime_error("cannot write " + arguments.at(5));
  fmt::print("{{\"documents\": {}, \"bytes\": {}}}\n", documents, body.size());
}

void load(const Arguments& arguments) {
  const std::string& url = arguments.at(0);
  const std::string& index = arguments.at(1);
  const std::string create = content_of(arguments.at(2));
  const std::string finish = content_of(arguments.at(3));
  const std::string body = content_of(arguments.at(4));
  const auto batches = cut(body, std::stoull(arguments.at(5)), std::stoull(arguments.at(6)));
  std::vector<std::unique_ptr<BareClient>> clients;
  for (auto left = std::stoull(arguments.at(7)); left > 0; --left) clients.push_back(std::make_unique<BareClient>(url));

  const Stopwatch watch;
  clients.front()->call("PUT", "/" + index, create);
  const double created = watch.seconds();
  const std::string path = "/" + index + "/_bulk?filter_path=errors";
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  {
    std::vector<std::jthread> threads;
    for (auto& client : clients) {
      threads.emplace_back([&, sender = client.get()] {
        try {
          for (std::size_t at = next++; at < batches.size() && !failed; at = next++) require_no_errors(sender->call("POST", path, batches[at].body));
        } catch (const std::exception& error) {
          std::cerr << error.what() << '\n';
          failed = true;
        }
      });
    }
  }
  if (failed) throw std::runtime_error("not everything was sent");
  const double sent = watch.seconds();
  clients.front()->call("PUT", "/" + index + "/_settings", finish);
  clients.front()->call("POST", "/" + index + "/_refresh");
  fmt::print("{{\"seconds\": {:.6f}, \"create_seconds\": {:.6f}, \"send_seconds\": {:.6f}, \"cpu_seconds\": {:.6f}, \"bulks\": {}, \"bytes\": {}}}\n",
             watch.seconds(), created, sent - created, watch.cpu(), batches.size(), body.size());
}

// The text between two others, the last time that it is there.
std::string_view last_between(std::string_view text, std::string_view before, std::string_view after) {
  const auto found = text.rfind(before);
  if (found == std::string_view::npos) throw std::runtime_error(fmt::format("an answer has no {}", before));
  const auto begin = found + before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}

std::size_t count_of(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

void list(const Arguments& arguments) {
  BareClient client(arguments.at(0));
  const std::string path = listing_path();

  const Stopwatch watch;
  const std::string view(last_between(client.call("POST", "/" + arguments.at(1) + "/_search/point_in_time?keep_alive=5m"), "\"pit_id\":\"", "\""));
  std::size_t rows = 0;
  std::string after;
  for (;;) {
    const std::string& answer = client.call("POST", path, listing_body(view, "5m", after));
    const auto found = count_of(answer, "\"_id\":");
    rows += found;
    if (found < listing_page) break;
    after = fmt::format("[{}]", last_between(answer, "\"sort\":[", "]"));
  }
  client.call("DELETE", "/_search/point_in_time", fmt::format(R"({{"pit_id":["{}"]}})", view));
  fmt::print("{{\"seconds\": {:.6f}, \"cpu_seconds\": {:.6f}, \"rows\": {}, \"requests\": {}, \"bytes_received\": {}}}\n", watch.seconds(),
             watch.cpu(), rows, client.traffic().requests, client.traffic().bytes_received);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const Arguments arguments(argv + std::min(argc, 2), argv + argc);
  try {
    const git::Library libgit2;
    if (mode == "prebuild" && arguments.size() == 6) {
      prebuild(arguments);
    } else if (mode == "load" && arguments.size() == 8) {
      load(arguments);
    } else if (mode == "pushes" && arguments.size() == 6) {
      time_pushes(arguments);
    } else if (mode == "list" && arguments.size() == 2) {
      list(arguments);
    } else {
      std::cerr << "usage: tidemark-bench-engine prebuild REPOSITORY COMMIT SOURCE ORIGIN GENERATION FILE | load URL INDEX CREATE FINISH FILE BYTES "
                   "OPERATIONS LANES | pushes URL INDEX REPOSITORY SOURCE ORIGIN AGENT-URL | list URL INDEX\n";
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "tidemark-bench-engine: " << error.what() << '\n';
    return 1;
  }
}
