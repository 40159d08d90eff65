// A server with a few routes, and what its handlers saw.
#pragma once

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http_server.hpp"
#include "support/raw_client.hpp"

namespace tidemark::testing {

// Where handlers wait until the test lets them go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  bool await_waiting(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

inline HttpResponse text(std::string body) { return {200, std::move(body), "text/plain", {}}; }

// Writes what a handler saw.
inline HttpResponse echo(const HttpRequest& request) {
  nlohmann::json seen{{"method", request.method}, {"path_bytes", std::vector<int>()}, {"body", request.body.size()}};
  for (const unsigned char c : request.path) seen["path_bytes"].push_back(c);
  for (const auto& [name, value] : request.query) seen["query"].push_back({name, value});
  return {200, seen.dump(), "application/json", {}};
}

struct HttpFixture {
  explicit HttpFixture(HttpServer::Options options = {}) : server({"127.0.0.1", 0}, std::move(options), log) {
    server.route("GET", "/hello", [](const HttpRequest&) { return text("hello"); });
    server.route("POST", "/echo", echo);
    server.route("GET", "/echo", echo);
    server.route("GET", "/files/*", echo);
    server.route("GET", "/files/special", [](const HttpRequest&) { return text("special"); });
    server.route("GET", "/throws", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("a secret reason"); });
    server.route("GET", "/blocks", [this](const HttpRequest&) {
      gate.wait();
      return text("released");
    });
    server.start();
  }
  ~HttpFixture() { gate.open(); }

  RawAnswer ask(const std::string& line, const std::string& headers = "", const std::string& body = "") const {
    return RawClient(server.port()).ask(line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body);
  }

  Gate gate;
  Log log{LogFormat::text, LogLevel::error};
  HttpServer server;
};

inline std::string type_of(const RawAnswer& answer) { return nlohmann::json::parse(answer.body)["type"]; }

inline std::string get(const std::string& path, const std::string& host = "localhost") {
  return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

}  // namespace tidemark::testing
