#include "ingest/elasticsearch/answers.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "daemon/error.hpp"
#include "ingest/elasticsearch/index_protocol.hpp"
#include "ingest/elasticsearch/json_members.hpp"
#include "parser/utf8.hpp"

namespace tidemark::ingest::elasticsearch {

namespace {

using nlohmann::json;

constexpr std::size_t max_reason_bytes = 500;

std::string excerpt(const std::string& body) {
  constexpr std::size_t bytes = 120;
  return parser::utf8::scrub(std::string_view(body).substr(0, bytes)).text;
}

// "all shards failed" says nothing; what they failed of does.
std::string root_of(const json& error, const std::string& type) {
  const auto* roots = member(error, "root_cause");
  if (roots == nullptr || !roots->is_array() || roots->empty()) return "";
  const auto root = text_of(roots->front(), "type");
  return root == type ? "" : ": " + root + ": " + text_of(roots->front(), "reason");
}

}  // namespace

json json_of(const Response& response, std::string_view request) {
  auto value = json::parse(response.body, nullptr, false);
  if (value.is_discarded()) {
    throw InvalidAnswer(fmt::format("{} was answered with status {} and what is no JSON: '{}'; is there a proxy before the cluster?", request,
                                    response.status, excerpt(response.body)));
  }
  return value;
}

ServerError error_of(const Response& response) {
  const auto value = json::parse(response.body, nullptr, false);
  ServerError error{.type = "", .reason = excerpt(response.body)};
  const auto* cause = member(value, "error");
  if (cause == nullptr) return error;
  if (cause->is_string()) return {.type = "", .reason = std::string(parser::utf8::prefix_of_bytes(cause->get_ref<const std::string&>(), max_reason_bytes))};
  if (!cause->is_object()) return error;
  error.type = text_of(*cause, "type");
  const auto text = error.type + ": " + text_of(*cause, "reason") + root_of(*cause, error.type);
  error.reason = parser::utf8::prefix_of_bytes(text, max_reason_bytes);
  return error;
}

void throw_unexpected(const Response& response, std::string_view request) {
  const auto error = error_of(response);
  const auto text = fmt::format("{} was answered with status {}: {}", request, response.status, error.reason);
  if (error.type == "cluster_block_exception") throw Blocked(text);
  const bool of_index = error.type == "index_closed_exception" || error.type == "index_not_found_exception";
  if (response.status == 404 || response.status == 408 || response.status == 429 || response.status >= 500 || of_index) throw TransientError(text);
  if (response.status == 403) throw StalledError(text + " (give the agent's user this privilege: see docs/elasticsearch.md)");
  throw StalledError(text);
}

}  // namespace tidemark::ingest::elasticsearch
