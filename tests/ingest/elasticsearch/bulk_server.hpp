// A small server that takes bulks like an Elasticsearch would, and answers what a test tells it to where a real one can't be made to.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http_server.hpp"

namespace tidemark::testing {

class BulkServer {
 public:
  struct Seen {
    std::string target;                                      // of the query, sorted by the server
    std::vector<std::pair<std::string, std::string>> items;  // action and _id
    std::size_t bytes = 0;
  };
  // Instead of the usual answer; nothing = the usual one.
  using Fault = std::function<std::optional<HttpResponse>(const Seen&)>;
  // The error of one item, or nothing.
  using ItemFault = std::function<std::optional<std::pair<int, std::string>>(const std::string& action, const std::string& id)>;

  BulkServer() : server_({"127.0.0.1", 0}, {.max_body_bytes = 64 * 1024 * 1024}, log_) {
    server_.route("POST", "/*", [this](const HttpRequest& request) { return answer(request); });
    server_.start();
  }

  std::string url() const { return "http://" + server_.address(); }
  // The next requests' faults, one each.
  void next(std::vector<Fault> faults) {
    const std::lock_guard lock(mutex_);
    faults_.insert(faults_.end(), faults.begin(), faults.end());
  }
  void always(Fault fault) {
    const std::lock_guard lock(mutex_);
    always_ = std::move(fault);
  }
  void items(ItemFault fault) {
    const std::lock_guard lock(mutex_);
    item_fault_ = std::move(fault);
  }
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::int64_t counted() const {
    const std::lock_guard lock(mutex_);
    return seq_no_;
  }

 private:
  static Seen read(const HttpRequest& request) {
    Seen seen{.target = request.path, .items = {}, .bytes = request.body.size()};
    for (const auto& [name, value] : request.query) seen.target += " " + name + "=" + value;
    std::istringstream lines(request.body);
    std::string line;
    while (std::getline(lines, line)) {
      const auto action = nlohmann::json::parse(line);
      const auto name = action.items().begin().key();
      seen.items.emplace_back(name, action[name].value("_id", ""));
      if (name != "delete") std::getline(lines, line);
    }
    return seen;
  }

  HttpResponse answer(const HttpRequest& request) {
    auto seen = read(request);
    Fault fault;
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(seen);
      fault = always_;
      if (!faults_.empty()) {
        fault = std::move(faults_.front());
        faults_.pop_front();
      }
    }
    if (fault) {
      if (auto instead = fault(seen)) return *instead;
    }
    const std::lock_guard lock(mutex_);
    auto items = nlohmann::json::array();
    bool errors = false;
    for (const auto& [action, id] : seen.items) {
      nlohmann::json item{{"status", action == "delete" ? 200 : 201}, {"result", action == "delete" ? "deleted" : "created"}};
      auto wrong = item_fault_ ? item_fault_(action, id) : std::nullopt;
      if (action == "update") wrong = wrong ? wrong : std::pair{404, std::string("document_missing_exception")};
      if (wrong) {
        item = {{"status", wrong->first}, {"error", {{"type", wrong->second}, {"reason", "the reason"}}}};
        errors = true;
      } else {
        item["_seq_no"] = seq_no_++;
      }
      items.push_back({{action, std::move(item)}});
    }
    return {.status = 200, .body = nlohmann::json{{"errors", errors}, {"items", items}}.dump()};
  }

  Log log_{LogFormat::text, LogLevel::error};
  mutable std::mutex mutex_;
  std::deque<Fault> faults_;
  Fault always_;
  ItemFault item_fault_;
  std::vector<Seen> seen_;
  std::int64_t seq_no_ = 0;
  HttpServer server_;
};

}  // namespace tidemark::testing
